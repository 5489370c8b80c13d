/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ring without mapping it; see ringfile.h. */
#include "agent/ringfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"

/* The part of the header that changes while a block runs, in front of the blocks. */
#define HEAD_BYTES offsetof(struct ring_header, blocks)
#define TRIES      4

/* Where the file system cannot allocate without writing, zeros are written. */
static int allocate(int fd, int64_t bytes)
{
	static char zeros[16384]; /* not const: it takes no room in the program */
	int rc = posix_fallocate(fd, 0, bytes);

	if (rc != EOPNOTSUPP && rc != ENOSYS && rc != EINVAL)
		return -rc;
	for (int64_t off = 0; off < bytes; off += sizeof(zeros)) {
		size_t left = bytes - off;

		rc = files_write_at(fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros), off);
		if (rc)
			return rc;
	}
	return 0;
}

int ringfile_create(int dirfd, uint64_t capacity)
{
	struct ring_header h = {
		.magic = RING_MAGIC,
		.version = RING_VERSION,
		.capacity = capacity,
	};
	int fd = openat(dirfd, "ring", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = allocate(fd, ring_bytes(capacity));
	if (!rc)
		rc = files_write_at(fd, &h, sizeof(h), 0);
	if (!rc)
		return fd;
	close(fd);
	unlinkat(dirfd, "ring", 0);
	return rc;
}

int ringfile_open(int dirfd)
{
	int fd = openat(dirfd, "ring", O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* A copy by read() may tear a 64-bit number that is being stored. So the head is read until it
 * comes out the same twice; a runner that stores without pause in between makes that fail, and the
 * next turn tries again. */
int ringfile_read(int fd, struct ring_header *ret_h)
{
	struct ring_header again;
	int rc = files_read_at(fd, ret_h, HEAD_BYTES, 0);

	for (int i = 0; !rc && i < TRIES; i++) {
		rc = files_read_at(fd, &again, HEAD_BYTES, 0);
		if (!rc && !memcmp(&again.head, &ret_h->head, sizeof(again.head)))
			break;
		memcpy(ret_h, &again, HEAD_BYTES);
		if (i == TRIES - 1)
			return -EAGAIN;
	}
	if (rc)
		return rc;
	/* Pairs with the writer's release: what is read from here on is at least as new. */
	atomic_thread_fence(memory_order_acquire);
	return files_read_at(
		fd, (char *)ret_h + HEAD_BYTES, sizeof(*ret_h) - HEAD_BYTES, HEAD_BYTES);
}

int ringfile_read_records(int fd, uint64_t from, unsigned n, struct ring_record *ret_r)
{
	return files_read_at(fd, ret_r, n * sizeof(*ret_r), RING_DATA + from * sizeof(*ret_r));
}

int ringfile_set_alive(int fd, int64_t mono_ns)
{
	return files_write_at(
		fd, &mono_ns, sizeof(mono_ns), offsetof(struct ring_header, alive_ns));
}
