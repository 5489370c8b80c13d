/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come over the sync: stream of a phone that we play. They meet a small phone with some
 * files, once whole and once cut as the second byte says, with so much room for answers as the first one
 * says. However they are cut, the same becomes of the phone, and nothing outside of its root is read or
 * touched: beside it lies a file that links and a ".." would lead to.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/adb/packet.h"
#include "drivers/virtual/syncer.h"
#include "drivers/virtual/syncer_internal.h"
#include "fuzz.h"

#define ALL    (ADB_SYNC_BROTLI | ADB_SYNC_LZ4 | ADB_SYNC_ZSTD)
#define SECRET "outside"
/* Four bytes of zstd are 128 KiB: a file that grows beyond this is told to be too large. The counts of
 * covered lines are written within it too. */
#define FILE_MAX (4 * 1024 * 1024)
#define OUT_MAX  (64 * 1024 * 1024) /* an input asks for the same file again and again */

/* ---- the phone ---- */

static char above[64]; /* the directory that the root is in */
static int above_fd, root_fd;

static void put_file(int dir, const char *name, const char *text, size_t n)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

/* Of a directory that is not empty, what is in it becomes a neighbour of it: names from an input lie deeper
 * than there are descriptors. */
static void lift(int dir, const char *name)
{
	static unsigned int n;
	int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = sub < 0 ? NULL : fdopendir(sub);
	struct dirent *e;

	CHECK(d);
	while ((e = readdir(d))) {
		char to[32];

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		do
			snprintf(to, sizeof(to), "lifted-%u", n++);
		while (!faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW));
		CHECK(!renameat(sub, e->d_name, dir, to));
	}
	closedir(d);
}

static void remove_below(int dir)
{
	bool again = true;

	while (again) {
		DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		struct dirent *e;

		CHECK(d);
		again = false;
		while ((e = readdir(d))) {
			if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
				!unlinkat(dir, e->d_name, 0) ||
				!unlinkat(dir, e->d_name, AT_REMOVEDIR))
				continue;
			lift(dir, e->d_name);
			again = true;
		}
		closedir(d);
	}
}

static void at_end(void)
{
	remove_below(above_fd);
	rmdir(above);
}

static void make_above(void)
{
	struct rlimit most = {FILE_MAX, FILE_MAX};
	const char *memory = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(above, sizeof(above), "%s/ff-fuzz-XXXXXX", memory);
	CHECK(mkdtemp(above));
	above_fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(above_fd >= 0 && !mkdirat(above_fd, "root", 0755));
	put_file(above_fd, "secret", SECRET, strlen(SECRET));
	root_fd = openat(above_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root_fd >= 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK(!setrlimit(RLIMIT_FSIZE, &most));
	atexit(at_end);
}

/* Names are short, so that the fuzzer finds them. */
static void make_files(void)
{
	static char large[140000];

	remove_below(root_fd);
	memset(large, 'l', sizeof(large));
	put_file(root_fd, "f", "small", 5);
	put_file(root_fd, "l", large, sizeof(large));
	CHECK(!mkdirat(root_fd, "d", 0755));
	put_file(root_fd, "d/e", "", 0);
	CHECK(!symlinkat("../../secret", root_fd, "s"));
	CHECK(!symlinkat("..", root_fd, "u"));
	CHECK(!symlinkat("f", root_fd, "t"));
}

static void check_outside(void)
{
	char got[32];
	int fd = openat(above_fd, "secret", O_RDONLY | O_CLOEXEC);
	DIR *d = fdopendir(openat(above_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int n = 0;

	CHECK(fd >= 0 && read(fd, got, sizeof(got)) == (ssize_t)strlen(SECRET));
	CHECK(!memcmp(got, SECRET, strlen(SECRET)));
	close(fd);
	while (readdir(d))
		n++;
	closedir(d);
	CHECK(n == 4); /* with "." and ".." */
}

/* ---- what became of the phone ---- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

static uint64_t hash_file(int dir, const char *name)
{
	static uint8_t block[65536];
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t h = 1;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
		h = hash_bytes(h, block, (size_t)n);
	if (fd >= 0)
		close(fd);
	return h;
}

/* A sum, since a directory has no order; to a depth. Times differ from one walk to the next. */
static uint64_t hash_tree(int dir, int depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	uint64_t sum = 0;

	CHECK(d);
	while ((e = readdir(d))) {
		uint64_t h = hash_bytes(depth, e->d_name, strlen(e->d_name));
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
			fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		h = hash_bytes(h, &st.st_mode, sizeof(st.st_mode));
		if (S_ISREG(st.st_mode))
			h ^= hash_file(dir, e->d_name);
		if (S_ISDIR(st.st_mode) && depth)
			h ^= hash_tree(openat(dir, e->d_name,
					       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				depth - 1);
		sum += h;
	}
	closedir(d);
	return sum;
}

/* ---- the answers ---- */

struct heard {
	uint64_t tree, bytes;
	bool failed; /* or a file has such a word in it */
};

static void hear(struct heard *h, struct syncer *y)
{
	struct adb_buf *b;

	while ((b = syncer_take(y))) {
		CHECK(b->len && b->len <= b->cap);
		h->bytes += b->len;
		h->failed |= memmem(b->data, b->len, "FAIL", 4) != NULL;
		CHECK(!memmem(b->data, b->len, SECRET, strlen(SECRET)));
		adb_buf_unref(b);
	}
}

static void walk(const uint8_t *data, size_t size, size_t step, int room, struct heard *h)
{
	struct syncer *y = syncer_new(root_fd, 4096u << (room % 5), ALL);
	size_t at = 0;

	while ((at < size || syncer_has_more(y)) && h->bytes < OUT_MAX) {
		size_t n = size - at < step ? size - at : step, used;
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, data + at, n);
		used = syncer_run(y, copy, n, room % SYNCER_OUT + 1);
		free(copy);
		CHECK(used <= n);
		at += used;
		hear(h, y);
		syncer_asked(y);
		if (syncer_ended(y))
			break;
	}
	syncer_free(y);
	h->tree = hash_tree(openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {0}, cut = {0};

	if (size < 2)
		return 0;
	if (!*above)
		make_above();
	make_files();
	walk(data + 2, size - 2, size, data[0], &whole);
	make_files();
	walk(data + 2, size - 2, data[1] % 64 + 1u, data[0], &cut);
	check_outside();
	/* How much of a broken file is there by then depends on the decompressor. */
	CHECK(whole.tree == cut.tree || (whole.failed && cut.failed) || whole.bytes >= OUT_MAX ||
		cut.bytes >= OUT_MAX);
	return 0;
}
