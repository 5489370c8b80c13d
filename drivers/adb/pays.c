/* SPDX-License-Identifier: Apache-2.0 */
/* Trying a compression on a sample; see pays.h. */
#include "drivers/adb/pays.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/banner.h"
#include "drivers/adb/compress.h"
#include "drivers/driver.h"

#define PIECE  (64 * 1024)
#define PIECES 3

struct pays {
	char src[DRIVER_PATH_MAX];
	uint32_t kind;
	bool yes;
	void (*done)(void *arg, uint32_t kind);
	void *arg;
};

/* How many bytes the piece becomes; its own size when it cannot be told. */
static size_t squeeze(uint32_t kind, const uint8_t *in, size_t n)
{
	struct adb_compress *c = adb_compress_new(kind, false);
	size_t at = 0, total = 0, used, made;
	uint8_t out[4096];
	int rc = c ? 0 : 1;

	while (!rc) {
		rc = adb_compress_run(c, in + at, n - at, &used, out, sizeof(out), &made, true);
		at += used;
		total += made;
	}
	adb_compress_free(c);
	return c && rc == 1 ? total : n;
}

static void work(void *arg)
{
	struct pays *p = arg;
	int fd = open(p->src, O_RDONLY | O_CLOEXEC);
	size_t before = 0, after = 0;
	uint8_t *buf = mem_alloc(PIECE);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st))
		for (int i = 0; i < PIECES; i++) {
			ssize_t n = pread(fd, buf, PIECE, st.st_size / PIECES * i);

			if (n <= 0)
				break;
			before += n;
			after += squeeze(p->kind, buf, n);
		}
	p->yes = before && after < before / 5 * 4;
	mem_free(buf);
	if (fd >= 0)
		close(fd);
}

static void worked(void *arg)
{
	struct pays *p = arg;

	p->done(p->arg, p->yes ? p->kind : 0);
	mem_free(p);
}

int adb_pays(struct driver_host *h, const char *src, uint32_t features,
	void (*done)(void *arg, uint32_t kind), void *arg)
{
	struct pays *p = mem_zalloc(sizeof(*p));
	int rc;

	p->kind = features & ADB_F_ZSTD     ? ADB_SYNC_ZSTD
	          : features & ADB_F_LZ4    ? ADB_SYNC_LZ4
	          : features & ADB_F_BROTLI ? ADB_SYNC_BROTLI
	                                    : 0;
	p->done = done;
	p->arg = arg;
	str_copy(p->src, sizeof(p->src), src);
	rc = h->blocking(h, work, worked, p);
	if (rc)
		mem_free(p);
	return rc;
}
