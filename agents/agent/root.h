/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree whose /sys and /proc the agent reads: the machine's own, or a captured or virtual one
 * under --root. Every such path goes through here, so that no chroot is needed. Paths are written
 * as on the machine ("/sys/class/thermal"). The agent's own files are not read through here.
 */
#ifndef FRAMEFARM_AGENT_ROOT_H
#define FRAMEFARM_AGENT_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ROOT_NAME      64  /* longest directory entry that is looked at */
#define ROOT_NAMES_MAX 512 /* entries of one directory */

struct root {
	int fd;
	bool whole; /* it is "/" */
};

/* Returns 0 or -errno. */
int root_init(struct root *r, const char *dir);
void root_fini(struct root *r);

/* A descriptor for reading, or -errno. Symbolic links of another tree than "/" stay inside it where
 * the kernel has openat2() (5.6). */
int root_open(const struct root *r, const char *path);

/* Whole text of a small file, closed with NUL, trailing blanks cut. Returns its length or -errno;
 * -EFBIG when it does not fit. */
ssize_t root_read(const struct root *r, const char *path, char *buf, size_t size);

/* Names in a directory that begin with prefix, sorted with numbers in their natural order.
 * *ret_names is one block, free() it. Returns their number or -errno. */
int root_list(
	const struct root *r, const char *dir, const char *prefix, char (**ret_names)[ROOT_NAME]);

/* One pread() at 0, closed with NUL: enough for files whose text is one record. Returns the length
 * or -errno; an empty text is -ENODATA. */
ssize_t root_pread(int fd, char *buf, size_t size);

#endif
