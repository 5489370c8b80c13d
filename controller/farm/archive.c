/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtime libraries out of files; see archive.h. An archive is hostile until it has been read: names,
 * counts, sizes and what they unpack to are held against bounds first, and the bytes that come are
 * held against the size that was announced.
 */
#include "farm/archive.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/blobs.h"
#include "farm/ctl.h"
#include "farm/elf.h"

#define FAVOURITE "libonnxruntime.so" /* of several libraries of one ABI */

/* Android's names of ABIs, and devices' own. */
static const struct {
	const char *folder, *abi;
} abis[] = {
	{"arm64-v8a", "aarch64"},
	{"armeabi-v7a", "armv7l"},
	{"x86_64", "x86_64"},
	{"x86", "i686"},
	{"riscv64", "riscv64"},
};

#define N_ABIS (sizeof(abis) / sizeof(abis[0]))

/* ---- one library ---- */

/* abi: what it has to be for, NULL for any. */
static int inspect(struct blobs *b, const char *abi, struct ctl_runtime_lib *l, struct err *e)
{
	struct elf_facts f;
	char path[700];
	int fd, rc;

	blobs_path(b, l->sha256, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, ERR_NOTFOUND, "the file is gone; upload it again");
	rc = elf_read(fd, &f, e);
	close(fd);
	if (rc)
		return rc;
	if (abi && strcmp(f.abi, abi))
		return err_set(e, ERR_INVAL, "this is a library for %s, not for %s", f.abi, abi);
	if (!f.is_ort)
		return err_set(
			e, ERR_INVAL, "this library is no ONNX Runtime: it has no OrtGetApiBase()");
	str_copy(l->abi, sizeof(l->abi), f.abi);
	str_copy(l->libc, sizeof(l->libc), f.libc);
	return 0;
}

/* ---- an archive ---- */

struct archive {
	struct blobs *blobs;
	zip_t *zip;
	struct {
		zip_uint64_t index;
		int n; /* candidates */
		bool favourite;
	} found[N_ABIS];
};

static int check_name(const char *name, struct err *e)
{
	char clean[80];
	bool bad = *name == '/' || strchr(name, '\\') || strlen(name) >= ARCHIVE_NAME_MAX;

	for (const char *p = name; !bad && p; p = strchr(p, '/'), p = p ? p + 1 : NULL)
		bad = !strncmp(p, "..", 2) && (p[2] == '/' || !p[2]);
	if (!bad)
		return 0;
	str_copy_clean(clean, sizeof(clean), name, strnlen(name, sizeof(clean) - 1));
	return err_set(e, ERR_INVAL,
		"the archive has an entry named \"%s\", which is a way out of it; it was not "
		"opened further",
		clean);
}

/* Notes it where it is jni/ABI/lib….so. */
static void note_entry(struct archive *a, zip_uint64_t index, const char *name)
{
	const char *folder, *base;
	size_t n;

	if (strncmp(name, "jni/", 4))
		return;
	folder = name + 4;
	base = strchr(folder, '/');
	n = base ? strlen(++base) : 0;
	if (n < 7 || strchr(base, '/') || strncmp(base, "lib", 3) || strcmp(base + n - 3, ".so"))
		return;
	for (size_t i = 0; i < N_ABIS; i++) {
		bool favourite = !strcmp(base, FAVOURITE);

		if (strlen(abis[i].folder) != (size_t)(base - 1 - folder) ||
			strncmp(folder, abis[i].folder, base - 1 - folder))
			continue;
		if (!a->found[i].n++ || favourite)
			a->found[i].index = index;
		a->found[i].favourite |= favourite;
	}
}

static int look_through(struct archive *a, struct err *e)
{
	zip_int64_t n = zip_get_num_entries(a->zip, 0);
	int rc = 0;

	if (n > ARCHIVE_ENTRIES_MAX)
		return err_set(e, ERR_INVAL, "the archive has %lld entries; at most %d are allowed",
			(long long)n, ARCHIVE_ENTRIES_MAX);
	for (zip_int64_t i = 0; i < n && !rc; i++) {
		const char *name = zip_get_name(a->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);

		rc = name ? check_name(name, e)
		          : err_set(e, ERR_INVAL, "the archive is damaged: an entry has no name");
		if (!rc)
			note_entry(a, (zip_uint64_t)i, name);
	}
	return rc;
}

static int check_size(const zip_stat_t *st, struct err *e)
{
	const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;

	if ((st->valid & need) != need)
		return err_set(e, ERR_INVAL, "the archive is damaged: no size is known");
	if (st->encryption_method != ZIP_EM_NONE)
		return err_set(e, ERR_INVAL, "it is encrypted");
	if (st->size > ARCHIVE_LIB_BYTES)
		return err_set(e, ERR_TOOBIG, "it has %llu bytes; at most %lld are allowed",
			(unsigned long long)st->size, ARCHIVE_LIB_BYTES);
	if (st->size > ARCHIVE_RATIO_FROM && st->size / ARCHIVE_RATIO_MAX > st->comp_size)
		return err_set(e, ERR_INVAL,
			"%llu bytes unpack to %llu: no library does that, so this is a trap",
			(unsigned long long)st->comp_size, (unsigned long long)st->size);
	return 0;
}

static int64_t read_entry(void *arg, void *dst, size_t size, struct err *e)
{
	zip_int64_t n = zip_fread(arg, dst, size);

	return n < 0 ? err_set(e, ERR_INVAL, "the archive is damaged: %.120s",
			       zip_file_strerror(arg))
	             : n;
}

static int unpack(struct archive *a, zip_uint64_t index, const char *abi, struct ctl_runtime_lib *l,
	bool *ret_new, struct err *e)
{
	struct blobs_source src = {.read = read_entry};
	zip_stat_t st;
	int rc;

	if (zip_stat_index(a->zip, index, 0, &st))
		return err_set(
			e, ERR_INVAL, "the archive is damaged: %.120s", zip_strerror(a->zip));
	rc = check_size(&st, e);
	if (rc)
		return rc;
	src.arg = zip_fopen_index(a->zip, index, 0);
	if (!src.arg)
		return err_set(e, ERR_INVAL, "it cannot be unpacked: %.120s", zip_strerror(a->zip));
	src.bytes = (int64_t)st.size;
	rc = blobs_add(a->blobs, &src, l->sha256, &l->bytes, ret_new, e);
	zip_fclose(src.arg);
	if (rc)
		return rc;
	rc = l->bytes == (int64_t)st.size ? inspect(a->blobs, abi, l, e)
	                                  : err_set(e, ERR_INVAL, "the archive is cut short");
	if (rc && *ret_new)
		blobs_remove(a->blobs, l->sha256);
	return rc;
}

static int unpack_all(struct archive *a, struct ctl_runtime_lib *ret_l, int *ret_n, struct err *e)
{
	bool new[N_ABIS] = {false};
	int rc = 0, n = 0;

	for (size_t i = 0; i < N_ABIS && !rc; i++) {
		if (!a->found[i].n)
			continue;
		if (a->found[i].n > 1 && !a->found[i].favourite)
			rc = err_set(e, ERR_INVAL, "%d libraries are there, and none is " FAVOURITE,
				a->found[i].n);
		if (!rc)
			rc = unpack(a, a->found[i].index, abis[i].abi, &ret_l[n], &new[n], e);
		if (rc)
			err_wrap(e, "jni/%s", abis[i].folder);
		else
			n++;
	}
	if (!rc && !n)
		rc = err_set(e, ERR_INVAL,
			"the archive has no jni/ABI/lib*.so for any of arm64-v8a, armeabi-v7a, "
			"x86_64, x86 and riscv64");
	for (int i = 0; i < n && rc; i++)
		if (new[i])
			blobs_remove(a->blobs, ret_l[i].sha256);
	if (!rc)
		*ret_n = n;
	return rc;
}

static int open_zip(
	struct blobs *b, const char *path, struct ctl_runtime_lib *ret_l, int *ret_n, struct err *e)
{
	struct archive a = {.blobs = b};
	int code, rc;

	_Static_assert(N_ABIS <= CTL_RUNTIME_LIBS_MAX, "a library for each");
	a.zip = zip_open(path, ZIP_RDONLY, &code);
	if (!a.zip) {
		zip_error_t why;

		zip_error_init_with_code(&why, code);
		rc = err_set(e, ERR_INVAL, "the archive cannot be read: %.200s",
			zip_error_strerror(&why));
		zip_error_fini(&why);
		return rc;
	}
	rc = look_through(&a, e);
	if (!rc)
		rc = unpack_all(&a, ret_l, ret_n, e);
	zip_discard(a.zip);
	return rc;
}

/* ---- either ---- */

int archive_open(struct blobs *b, const char *sha256, struct ctl_runtime_lib *ret_l, int *ret_n,
	struct err *e)
{
	struct ctl_runtime_lib l = {.abi = ""};
	char path[700], magic[4] = "";
	int fd, rc;

	if (!blobs_has(b, sha256, &l.bytes))
		return err_set(e, ERR_NOTFOUND, "the file was never uploaded");
	blobs_path(b, sha256, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 || read(fd, magic, sizeof(magic)) < 0;
	if (fd >= 0)
		close(fd);
	if (rc)
		return err_set(e, ERR_IO, "the file cannot be read");
	if (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "PK\5\6", 4))
		return open_zip(b, path, ret_l, ret_n, e);
	if (memcmp(magic, "\177ELF", 4))
		return err_set(e, ERR_INVAL,
			"the file is neither a shared library (.so) nor an archive of them "
			"(.aar)");
	str_copy(l.sha256, sizeof(l.sha256), sha256);
	rc = inspect(b, NULL, &l, e);
	if (rc)
		return rc;
	*ret_l = l;
	*ret_n = 1;
	return 0;
}
