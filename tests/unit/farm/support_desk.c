/* SPDX-License-Identifier: Apache-2.0 */
/* See support_desk.h. */
#include "support_desk.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct elf_wish wish_arm64 = {EM_AARCH64, 64, "libc.so", NULL};
const struct elf_wish wish_x64 = {EM_X86_64, 64, "libc.so.6", NULL};
const struct elf_wish wish_arm = {EM_ARM, 32, "libc.so", NULL};

int desk_open(void **state)
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

int desk_close(void **state)
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

void desk_assert_said(const struct desk *d, const char *words)
{
	if (!strstr(d->err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", d->err.text, words);
}

int desk_stored(const struct desk *d)
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

void desk_upload(struct desk *d, const void *p, size_t n, char sha[LIMIT_SHA256])
{
	struct bytes b = {p, (int64_t)n};
	struct blobs_source src = {read_bytes, &b, (int64_t)n};
	int64_t bytes;
	bool new;

	assert_int_equal(blobs_add(d->blobs, &src, sha, &bytes, &new, &d->err), 0);
	assert_int_equal(bytes, n);
}

void desk_upload_elf(struct desk *d, const struct elf_wish *w, char sha[LIMIT_SHA256])
{
	uint8_t elf[ELF_BYTES];

	desk_upload(d, elf, elf_make(w, elf), sha);
}

struct packing desk_pack(struct desk *d)
{
	struct packing k = {.desk = d};

	snprintf(k.path, sizeof(k.path), "%s/a.zip", d->dir);
	unlink(k.path);
	k.zip = zip_open(k.path, ZIP_CREATE, NULL);
	assert_non_null(k.zip);
	return k;
}

zip_int64_t packing_add(struct packing *k, const char *name, const void *p, size_t n)
{
	void *copy = n ? malloc(n) : NULL; /* libzip does not free one of no bytes */
	zip_int64_t index;

	if (n)
		memcpy(copy, p, n);
	index = zip_file_add(k->zip, name, zip_source_buffer(k->zip, copy, n, 1), ZIP_FL_ENC_UTF_8);
	assert_true(index >= 0);
	return index;
}

void packing_add_elf(struct packing *k, const char *name, const struct elf_wish *w)
{
	uint8_t elf[ELF_BYTES];

	packing_add(k, name, elf, elf_make(w, elf));
}

size_t packing_end(struct packing *k, uint8_t *dst, size_t size)
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

void packing_upload(struct packing *k, char sha[LIMIT_SHA256])
{
	uint8_t *mem = malloc(PACKED_MAX);

	desk_upload(k->desk, mem, packing_end(k, mem, PACKED_MAX), sha);
	free(mem);
}

int desk_take(struct desk *d, const char *sha, const char *name)
{
	struct ctl_runtime r, *all = calloc(CTL_RUNTIMES_MAX, sizeof(*all));
	int files = desk_stored(d), n = runtimes_list(d->runtimes, all);
	int64_t bytes = blobs_bytes(d->blobs);
	int rc = runtimes_add(d->runtimes, sha, name, 1000, &r, &d->err);

	if (rc) {
		assert_int_equal(rc, d->err.code);
		assert_int_equal(desk_stored(d), files);
		assert_int_equal(blobs_bytes(d->blobs), bytes);
		assert_int_equal(runtimes_list(d->runtimes, all), n);
	}
	free(all);
	return rc;
}

int packing_take(struct packing *k)
{
	char sha[LIMIT_SHA256];

	packing_upload(k, sha);
	return desk_take(k->desk, sha, "name");
}
