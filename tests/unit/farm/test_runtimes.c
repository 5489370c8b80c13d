/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes that people register: what a file says of itself, what an archive may hold, and the list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "base/err.h"
#include "base/hash.h"
#include "farm/archive.h"
#include "farm/blobs.h"
#include "farm/elf.h"
#include "farm/runtimes.h"
#include "support_elf.h"
#include "support_env.h"

static const struct elf_wish arm64 = {EM_AARCH64, 64, "libc.so", NULL};
static const struct elf_wish x64 = {EM_X86_64, 64, "libc.so.6", NULL};
static const struct elf_wish arm = {EM_ARM, 32, "libc.so", NULL};

struct desk {
	char dir[64], list[96];
	struct env *env;
	struct ctl_env ctl;
	struct blobs *blobs;
	struct runtimes *runtimes;
	struct err err;
};

static int open_desk(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));
	char path[96];

	snprintf(d->dir, sizeof(d->dir), "/tmp/ff-runtimes-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	snprintf(path, sizeof(path), "%s/files", d->dir);
	snprintf(d->list, sizeof(d->list), "%s/runtimes.json", d->dir);
	d->env = env_new();
	env_ctl(d->env, &d->ctl);
	d->blobs = blobs_open(&d->ctl, path, 64 << 20, &d->err);
	assert_non_null(d->blobs);
	d->runtimes = runtimes_open(d->blobs, d->list, &d->err);
	assert_non_null(d->runtimes);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;
	char cmd[96];

	runtimes_close(d->runtimes);
	blobs_close(d->blobs);
	env_free(d->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", d->dir);
	assert_int_equal(system(cmd), 0);
	free(d);
	return 0;
}

static void assert_said(const struct desk *d, const char *words)
{
	if (!strstr(d->err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", d->err.text, words);
}

/* How many files are stored. */
static int stored(const struct desk *d)
{
	char cmd[128];
	int n = -1;
	FILE *p;

	snprintf(cmd, sizeof(cmd), "find %s/files -type f | wc -l", d->dir);
	p = popen(cmd, "r");
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

/* ---- uploads ---- */

struct bytes {
	const uint8_t *p;
	int64_t n;
};

static int64_t read_bytes(void *arg, void *dst, size_t size, struct err *e)
{
	struct bytes *b = arg;
	int64_t n = b->n < (int64_t)size ? b->n : (int64_t)size;

	(void)e;
	memcpy(dst, b->p, (size_t)n);
	b->p += n;
	b->n -= n;
	return n;
}

static void upload(struct desk *d, const void *p, size_t n, char sha[LIMIT_SHA256])
{
	struct bytes b = {p, (int64_t)n};
	struct blobs_source src = {read_bytes, &b, (int64_t)n};
	int64_t bytes;
	bool new;

	assert_int_equal(blobs_add(d->blobs, &src, sha, &bytes, &new, &d->err), 0);
	assert_int_equal(bytes, n);
}

static void upload_elf(struct desk *d, const struct elf_wish *w, char sha[LIMIT_SHA256])
{
	uint8_t elf[ELF_BYTES];

	upload(d, elf, elf_make(w, elf), sha);
}

/* An archive that is being written. */
struct packing {
	struct desk *desk;
	char path[96];
	zip_t *zip;
};

static struct packing pack(struct desk *d)
{
	struct packing k = {.desk = d};

	snprintf(k.path, sizeof(k.path), "%s/a.zip", d->dir);
	unlink(k.path);
	k.zip = zip_open(k.path, ZIP_CREATE, NULL);
	assert_non_null(k.zip);
	return k;
}

static zip_int64_t add(struct packing *k, const char *name, const void *p, size_t n)
{
	void *copy = n ? malloc(n) : NULL; /* libzip does not free one of no bytes */
	zip_int64_t index;

	if (n)
		memcpy(copy, p, n);
	index = zip_file_add(k->zip, name, zip_source_buffer(k->zip, copy, n, 1), ZIP_FL_ENC_UTF_8);
	assert_true(index >= 0);
	return index;
}

static void add_elf(struct packing *k, const char *name, const struct elf_wish *w)
{
	uint8_t elf[ELF_BYTES];

	add(k, name, elf, elf_make(w, elf));
}

static size_t packed(struct packing *k, uint8_t *dst, size_t size)
{
	FILE *f;
	size_t n;

	assert_int_equal(zip_close(k->zip), 0);
	f = fopen(k->path, "r");
	assert_non_null(f);
	n = fread(dst, 1, size, f);
	assert_true(n < size);
	fclose(f);
	return n;
}

#define PACKED_MAX (4 << 20)

static void upload_packed(struct packing *k, char sha[LIMIT_SHA256])
{
	uint8_t *mem = malloc(PACKED_MAX);

	upload(k->desk, mem, packed(k, mem, PACKED_MAX), sha);
	free(mem);
}

/* Registers the file; what fails leaves the list and the stored files as they were. */
static int take(struct desk *d, const char *sha, const char *name)
{
	struct ctl_runtime r, *all = calloc(CTL_RUNTIMES_MAX, sizeof(*all));
	int files = stored(d), n = runtimes_list(d->runtimes, all);
	int64_t bytes = blobs_bytes(d->blobs);
	int rc = runtimes_add(d->runtimes, sha, name, 1000, &r, &d->err);

	if (rc) {
		assert_int_equal(rc, d->err.code);
		assert_int_equal(stored(d), files);
		assert_int_equal(blobs_bytes(d->blobs), bytes);
		assert_int_equal(runtimes_list(d->runtimes, all), n);
	}
	free(all);
	return rc;
}

static int take_packed(struct packing *k)
{
	char sha[LIMIT_SHA256];

	upload_packed(k, sha);
	return take(k->desk, sha, "name");
}

/* ---- a library ---- */

static int read_elf(struct desk *d, const uint8_t *elf, size_t n, struct elf_facts *f)
{
	char path[96];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/elf", d->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, elf, n), n);
	rc = elf_read(fd, f, &d->err);
	close(fd);
	return rc;
}

static void a_library_says_what_it_is_for(void **state)
{
	static const struct {
		struct elf_wish wish;
		const char *abi, *libc;
	} cases[] = {
		{{EM_AARCH64, 64, "libc.so", NULL}, "aarch64", "bionic"},
		{{EM_X86_64, 64, "libc.so.6", NULL}, "x86_64", "glibc"},
		{{EM_X86_64, 64, "libc.musl-x86_64.so.1", NULL}, "x86_64", "musl"},
		{{EM_ARM, 32, "libc.so", NULL}, "armv7l", "bionic"},
		{{EM_386, 32, NULL, NULL}, "i686", ""},
		{{EM_RISCV, 64, "libm.so.6", NULL}, "riscv64", ""},
	};
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_elf(d, elf, elf_make(&cases[i].wish, elf), &f), 0);
		assert_string_equal(f.abi, cases[i].abi);
		assert_string_equal(f.libc, cases[i].libc);
		assert_true(f.is_ort);
	}
}

static void a_symbol_that_only_ends_like_it_is_another(void **state)
{
	struct desk *d = *state;
	struct elf_wish w = {EM_X86_64, 64, NULL, "NoOrtGetApiBase"};
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	assert_int_equal(read_elf(d, elf, elf_make(&w, elf), &f), 0);
	assert_false(f.is_ort);
	w.symbol = "OrtGetApiBaseNot";
	assert_int_equal(read_elf(d, elf, elf_make(&w, elf), &f), 0);
	assert_false(f.is_ort);
}

static void a_file_that_is_no_library_is_refused(void **state)
{
	struct desk *d = *state;
	struct elf_wish sparc = {EM_SPARCV9, 64, NULL, NULL};
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;
	size_t n;

	assert_int_equal(read_elf(d, (const uint8_t *)"", 0, &f), ERR_INVAL);
	assert_said(d, "no ELF file");
	n = elf_make(&x64, elf);
	elf[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	assert_said(d, "a machine that no device has");
	assert_int_equal(read_elf(d, elf, elf_make(&sparc, elf), &f), ERR_INVAL);
	assert_said(d, "ELF 43");
	n = elf_make(&x64, elf);
	elf[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
	assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	assert_said(d, "no shared library");
}

/* Each place in the file that tells where something is, or how large, told wrongly. */
static void every_offset_is_held_against_the_file(void **state)
{
	static const struct {
		size_t at;
		int bytes;
		uint64_t value;
	} wrong[] = {
		{offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX - 8},
		{offsetof(Elf64_Ehdr, e_phentsize), 2, 8},
		{offsetof(Elf64_Ehdr, e_phnum), 2, ELF_SEGMENTS_MAX + 1},
		{offsetof(Elf64_Ehdr, e_phnum), 2, 0},
		{ELF64_PHDR + 56 + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX},
		{ELF64_PHDR + 56 + offsetof(Elf64_Phdr, p_filesz), 8, UINT64_MAX},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_MAX},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_filesz), 8, 1},
		{ELF64_PHDR + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX - 100},
		{ELF64_DYNAMIC + 8, 8, 0},           /* strings at address 0 */
		{ELF64_DYNAMIC + 24, 8, UINT64_MAX}, /* of that many bytes */
		{ELF64_DYNAMIC + 24, 8, ELF_STRINGS_MAX + 1}, {ELF64_DYNAMIC + 24, 8, 0},
		{ELF64_DYNAMIC + 40, 8, 4000}, /* a name behind their end */
	};
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t n = elf_make(&x64, elf);

		memcpy(elf + wrong[i].at, &wrong[i].value, wrong[i].bytes);
		if (read_elf(d, elf, n, &f) != ERR_INVAL)
			fail_msg("case %zu is taken for a library", i);
	}
}

static void a_library_that_is_cut_anywhere_is_refused(void **state)
{
	struct desk *d = *state;
	uint8_t elf[ELF_BYTES];
	struct elf_facts f;

	for (size_t n = elf_make(&x64, elf); n--;)
		assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
	for (size_t n = elf_make(&arm, elf); n--;)
		assert_int_equal(read_elf(d, elf, n, &f), ERR_INVAL);
}

/* ---- registering ---- */

static void a_library_is_registered_under_its_own_hash(void **state)
{
	struct desk *d = *state;
	struct ctl_runtime_lib l;
	char sha[LIMIT_SHA256];

	upload_elf(d, &x64, sha);
	assert_int_equal(take(d, sha, "ort-1.20"), 0);
	assert_int_equal(stored(d), 1);
	assert_int_equal(runtimes_find(d->runtimes, "ort-1.20", "x86_64", &l, &d->err), 0);
	assert_string_equal(l.sha256, sha);
	assert_string_equal(l.libc, "glibc");
	sha[RUNTIMES_DIGITS] = '\0';
	assert_int_equal(runtimes_find(d->runtimes, sha, "x86_64", &l, &d->err), 0);
	sha[RUNTIMES_DIGITS - 1] = '\0';
	assert_int_equal(runtimes_find(d->runtimes, sha, "x86_64", &l, &d->err), ERR_NOTFOUND);
}

static void an_archive_has_one_for_each_abi(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	struct ctl_runtime_lib l;
	uint8_t elf[ELF_BYTES];
	char sha[LIMIT_SHA256];

	add(&k, "AndroidManifest.xml", "x", 1);
	add(&k, "classes.jar", "x", 1);
	add_elf(&k, "jni/arm64-v8a/libonnxruntime4j_jni.so", &x64); /* not looked at */
	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add_elf(&k, "jni/armeabi-v7a/libort.so", &arm); /* the only one */
	add_elf(&k, "jni/mips/libonnxruntime.so", &x64);
	add_elf(&k, "jni/x86_64/deeper/libonnxruntime.so", &x64);
	add_elf(&k, "headers/jni/x86_64/libonnxruntime.so", &x64);
	assert_int_equal(take_packed(&k), 0);
	assert_int_equal(runtimes_find(d->runtimes, "name", "aarch64", &l, &d->err), 0);
	hash_bytes(elf, elf_make(&arm64, elf), sha);
	assert_string_equal(l.sha256, sha);
	assert_true(blobs_has(d->blobs, sha, NULL));
	assert_string_equal(l.libc, "bionic");
	assert_int_equal(runtimes_find(d->runtimes, "name", "armv7l", &l, &d->err), 0);
	assert_int_equal(runtimes_find(d->runtimes, "name", "x86_64", &l, &d->err), ERR_NOTFOUND);
	assert_said(d, "it is for aarch64, armv7l");
	assert_int_equal(stored(d), 3);
}

static void what_is_neither_is_said_to_be(void **state)
{
	struct desk *d = *state;
	struct elf_wish other = {EM_X86_64, 64, "libc.so.6", "TfLiteInterpreterCreate"};
	char sha[LIMIT_SHA256];

	upload(d, "a text", 6, sha);
	assert_int_equal(take(d, sha, "name"), ERR_INVAL);
	assert_said(d, "neither a shared library (.so) nor an archive");
	upload_elf(d, &other, sha);
	assert_int_equal(take(d, sha, "name"), ERR_INVAL);
	assert_said(d, "no ONNX Runtime");
	memset(sha, 'a', 64);
	assert_int_equal(take(d, sha, "name"), ERR_NOTFOUND);
	assert_said(d, "never uploaded");
	assert_int_equal(take(d, "short", "name"), ERR_INVAL);
	assert_int_equal(take(d, sha, "../name"), ERR_INVAL);
	assert_said(d, "a runtime's name");
}

/* ---- hostile archives ---- */

static void an_entry_that_leads_out_of_the_archive_ends_it(void **state)
{
	static const char *const names[] = {"../x", "/etc/cron.d/x", "jni/../../x", "jni\\..\\x",
		"a/..", "..", "jni/arm64-v8a/../../../lib.so"};
	struct desk *d = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct packing k = pack(d);

		add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
		add(&k, names[i], "x", 1);
		assert_int_equal(take_packed(&k), ERR_INVAL);
		assert_said(d, "a way out of it");
	}
}

static void names_with_dots_are_names(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);

	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add(&k, "a..b/..c/d..", "x", 1);
	assert_int_equal(take_packed(&k), 0);
}

static void a_name_is_bounded(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	char name[ARCHIVE_NAME_MAX + 1];

	memset(name, 'n', ARCHIVE_NAME_MAX);
	name[ARCHIVE_NAME_MAX] = '\0';
	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add(&k, name + 1, "x", 1);
	assert_int_equal(take_packed(&k), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "name", &d->err), 0);
	k = pack(d);
	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add(&k, name, "x", 1);
	assert_int_equal(take_packed(&k), ERR_INVAL);
}

static void entries_are_bounded(void **state)
{
	struct desk *d = *state;
	struct packing k;
	char name[32];

	for (int more = 0; more < 2; more++) {
		k = pack(d);
		add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
		for (int i = 1; i < ARCHIVE_ENTRIES_MAX + more; i++) {
			snprintf(name, sizeof(name), "res/%d", i);
			add(&k, name, "", 0);
		}
		assert_int_equal(take_packed(&k), more ? ERR_INVAL : 0);
		runtimes_remove(d->runtimes, "name", &d->err);
	}
	k = pack(d);
	for (int i = 0; i <= ARCHIVE_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "res/%d", i);
		add(&k, name, "", 0);
	}
	assert_int_equal(take_packed(&k), ERR_INVAL);
	assert_said(d, "has 4097 entries; at most 4096");
}

/* A library in front, and then as much nothing as one wants. */
static void what_unpacks_to_too_much_is_not_unpacked(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	size_t n = 32 << 20;
	uint8_t *bomb = calloc(1, n);

	elf_make(&arm64, bomb);
	add(&k, "jni/arm64-v8a/libonnxruntime.so", bomb, n);
	free(bomb);
	assert_int_equal(take_packed(&k), ERR_INVAL);
	assert_said(d, "this is a trap");
	assert_said(d, "jni/arm64-v8a");
}

/* A size in the directory that is smaller than what comes: found while it is unpacked. */
static void a_size_that_is_a_lie_is_found(void **state)
{
	static const uint8_t directory[] = {'P', 'K', 1, 2};
	struct desk *d = *state;
	struct packing k = pack(d);
	uint8_t *mem = malloc(PACKED_MAX), elf[ELF_BYTES], *at;
	char sha[LIMIT_SHA256];
	uint32_t less = 100;
	size_t n;

	elf_make(&arm64, elf);
	add(&k, "jni/arm64-v8a/libonnxruntime.so", elf, sizeof(elf));
	n = packed(&k, mem, PACKED_MAX);
	at = memmem(mem, n, directory, sizeof(directory));
	assert_non_null(at);
	memcpy(at + 24, &less, 4); /* APPNOTE 4.3.12, uncompressed size */
	upload(d, mem, n, sha);
	assert_int_equal(take(d, sha, "name"), ERR_TOOBIG);
	assert_said(d, "more than 100 bytes came");
	free(mem);
}

static void damage_is_found(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	uint8_t *mem = malloc(PACKED_MAX), elf[ELF_BYTES];
	char sha[LIMIT_SHA256];
	zip_int64_t index;
	size_t n;

	elf_make(&arm64, elf);
	index = add(&k, "jni/arm64-v8a/libonnxruntime.so", elf, sizeof(elf));
	zip_set_file_compression(k.zip, (zip_uint64_t)index, ZIP_CM_STORE, 0);
	n = packed(&k, mem, PACKED_MAX);
	mem[900] ^= 1; /* within its zeroes: what it says of itself stays, its CRC does not */
	upload(d, mem, n, sha);
	assert_int_equal(take(d, sha, "name"), ERR_INVAL);
	assert_said(d, "damaged");
	upload(d, mem, n - 30, sha); /* no directory at its end */
	assert_int_equal(take(d, sha, "name"), ERR_INVAL);
	assert_said(d, "cannot be read");
	free(mem);
}

static void what_is_encrypted_is_not_opened(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	uint8_t elf[ELF_BYTES];
	zip_int64_t index = add(&k, "jni/x86_64/libonnxruntime.so", elf, elf_make(&x64, elf));

	assert_int_equal(
		zip_file_set_encryption(k.zip, (zip_uint64_t)index, ZIP_EM_AES_128, "secret"), 0);
	assert_int_equal(take_packed(&k), ERR_INVAL);
	assert_said(d, "encrypted");
}

static void a_library_of_another_machine_than_its_folder_is_refused_with_all_before_it(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);

	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add_elf(&k, "jni/x86_64/libonnxruntime.so", &arm);
	assert_int_equal(take_packed(&k), ERR_INVAL); /* take(): nothing is left of the first one */
	assert_said(d, "jni/x86_64: this is a library for armv7l, not for x86_64");
}

static void no_library_for_any_abi_and_two_without_a_choice(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);

	add(&k, "classes.jar", "x", 1);
	assert_int_equal(take_packed(&k), ERR_INVAL);
	assert_said(d, "has no jni/ABI/lib*.so");
	k = pack(d);
	add_elf(&k, "jni/arm64-v8a/libone.so", &arm64);
	add_elf(&k, "jni/arm64-v8a/libtwo.so", &arm64);
	assert_int_equal(take_packed(&k), ERR_INVAL);
	assert_said(d, "2 libraries are there, and none is libonnxruntime.so");
}

/* ---- the list ---- */

static void names_and_files_are_registered_once(void **state)
{
	struct desk *d = *state;
	char one[LIMIT_SHA256], two[LIMIT_SHA256];

	upload_elf(d, &x64, one);
	upload_elf(d, &arm64, two);
	assert_int_equal(take(d, one, "a"), 0);
	assert_int_equal(take(d, one, "a"), 0); /* asked for once more */
	assert_int_equal(take(d, two, "a"), ERR_EXISTS);
	assert_said(d, "another runtime is called a");
	assert_int_equal(take(d, one, "b"), ERR_EXISTS);
	assert_said(d, "registered as a already");
	assert_int_equal(take(d, two, "b"), 0);
}

static void reopen(struct desk *d)
{
	runtimes_close(d->runtimes);
	d->runtimes = runtimes_open(d->blobs, d->list, &d->err);
	assert_non_null(d->runtimes);
}

static void it_is_kept_over_a_restart(void **state)
{
	struct desk *d = *state;
	struct ctl_runtime *all = calloc(CTL_RUNTIMES_MAX, sizeof(*all));
	char one[LIMIT_SHA256], two[LIMIT_SHA256];

	upload_elf(d, &x64, one);
	upload_elf(d, &arm64, two);
	assert_int_equal(take(d, one, "a"), 0);
	reopen(d);
	assert_int_equal(runtimes_list(d->runtimes, all), 1);
	assert_string_equal(all[0].name, "a");
	assert_int_equal(take(d, two, "b"), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "a", &d->err), 0);
	reopen(d);
	assert_int_equal(runtimes_list(d->runtimes, all), 1);
	assert_string_equal(all[0].name, "b");
	assert_string_equal(all[0].sha256, two);
	assert_int_equal(all[0].added_ms, 1000);
	assert_string_equal(all[0].libs[0].abi, "aarch64");
	assert_string_equal(all[0].libs[0].sha256, two);
	free(all);
}

static void a_list_that_cannot_be_read_is_not_thrown_away(void **state)
{
	struct desk *d = *state;
	FILE *f = fopen(d->list, "w");

	fputs("{\"schema\": \"framefarm.runtimes/1\", \"runtimes\": [{\"nam", f);
	fclose(f);
	assert_null(runtimes_open(d->blobs, d->list, &d->err));
	assert_said(d, "move it away");
	assert_int_equal(access(d->list, F_OK), 0);
}

/* Its hashes become the names of files that are removed. */
static void a_list_whose_hashes_are_none_is_refused(void **state)
{
	static const char good[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char bad[] =
		"../../../../../../../../../../../../../../../../../etc/hostname/";
	struct desk *d = *state;

	for (int i = 0; i < 3; i++) {
		FILE *f = fopen(d->list, "w");
		struct runtimes *r;

		fprintf(f,
			"{\"schema\": \"framefarm.runtimes/1\", \"runtimes\": [{\"name\": \"a\","
			" \"added_ms\": 1, \"sha256\": \"%s\", \"libraries\": [{\"abi\": "
			"\"x86_64\","
			" \"libc\": \"\", \"bytes\": 1, \"sha256\": \"%s\"}]}]}",
			i == 1 ? bad : good, i == 2 ? bad : good);
		fclose(f);
		r = runtimes_open(d->blobs, d->list, &d->err);
		assert_int_equal(r == NULL, i > 0);
		if (!r)
			assert_said(d, "SHA-256");
		runtimes_close(r);
	}
}

static void what_is_removed_goes_with_its_files_unless_another_has_them(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	char alone[LIMIT_SHA256], both[LIMIT_SHA256];

	add_elf(&k, "jni/arm64-v8a/libonnxruntime.so", &arm64);
	add_elf(&k, "jni/armeabi-v7a/libonnxruntime.so", &arm);
	upload_packed(&k, both);
	upload_elf(d, &arm64, alone);
	assert_int_equal(take(d, both, "both"), 0);
	assert_int_equal(take(d, alone, "alone"), 0);
	assert_int_equal(stored(d), 3);
	assert_int_equal(runtimes_remove(d->runtimes, "both", &d->err), 0);
	assert_int_equal(stored(d), 1);
	assert_true(blobs_has(d->blobs, alone, NULL));
	assert_int_equal(runtimes_remove(d->runtimes, "alone", &d->err), 0);
	assert_int_equal(stored(d), 0);
	assert_int_equal(blobs_bytes(d->blobs), 0);
	assert_int_equal(runtimes_remove(d->runtimes, "alone", &d->err), ERR_NOTFOUND);
}

static void the_list_is_bounded(void **state)
{
	struct desk *d = *state;
	struct elf_wish w = x64;
	char sha[LIMIT_SHA256], name[32];

	for (int i = 0; i <= CTL_RUNTIMES_MAX; i++) {
		uint8_t elf[ELF_BYTES];
		size_t n = elf_make(&w, elf);

		elf[n] = (uint8_t)i; /* behind it; each is another file */
		upload(d, elf, n + 1, sha);
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(take(d, sha, name), i < CTL_RUNTIMES_MAX ? 0 : ERR_WRONGSTATE);
	}
	assert_said(d, "64 runtimes are registered");
}

static void uploads_have_their_quota(void **state)
{
	struct desk *d = *state;
	struct packing k = pack(d);
	uint8_t *big = malloc(40 << 20);
	char path[96], sha[LIMIT_SHA256];
	uint64_t x = 1;

	for (size_t i = 0; i < (40 << 20); i += 8) { /* nothing that packs to less */
		x = x * 6364136223846793005u + 1442695040888963407u;
		memcpy(big + i, &x, 8);
	}
	memset(big, 0, ELF_BYTES);
	elf_make(&arm64, big);
	add(&k, "jni/arm64-v8a/libonnxruntime.so", big, 3 << 20);
	free(big);
	upload_packed(&k, sha);
	runtimes_close(d->runtimes);
	blobs_close(d->blobs);
	snprintf(path, sizeof(path), "%s/files", d->dir);
	d->blobs = blobs_open(&d->ctl, path, 5 << 20, &d->err);
	d->runtimes = runtimes_open(d->blobs, d->list, &d->err);
	assert_int_equal(take(d, sha, "name"), ERR_NOSPACE);
	assert_said(d, "limited to 5 MiB");
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_library_says_what_it_is_for),
		T(a_symbol_that_only_ends_like_it_is_another),
		T(a_file_that_is_no_library_is_refused),
		T(every_offset_is_held_against_the_file),
		T(a_library_that_is_cut_anywhere_is_refused),
		T(a_library_is_registered_under_its_own_hash),
		T(an_archive_has_one_for_each_abi),
		T(what_is_neither_is_said_to_be),
		T(an_entry_that_leads_out_of_the_archive_ends_it),
		T(names_with_dots_are_names),
		T(a_name_is_bounded),
		T(entries_are_bounded),
		T(what_unpacks_to_too_much_is_not_unpacked),
		T(a_size_that_is_a_lie_is_found),
		T(damage_is_found),
		T(what_is_encrypted_is_not_opened),
		T(a_library_of_another_machine_than_its_folder_is_refused_with_all_before_it),
		T(no_library_for_any_abi_and_two_without_a_choice),
		T(names_and_files_are_registered_once),
		T(it_is_kept_over_a_restart),
		T(a_list_that_cannot_be_read_is_not_thrown_away),
		T(a_list_whose_hashes_are_none_is_refused),
		T(what_is_removed_goes_with_its_files_unless_another_has_them),
		T(the_list_is_bounded),
		T(uploads_have_their_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
