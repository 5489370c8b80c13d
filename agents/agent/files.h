/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers for the agent's own files. Everything returns 0 or more, or -errno.
 */
#ifndef FRAMEFARM_AGENT_FILES_H
#define FRAMEFARM_AGENT_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Replaces a file so that after a crash, or loss of power, either the old or the new one is
 * there. */
int files_replace(int dirfd, const char *name, const void *data, size_t n);
/* Makes a file that is not there yet, and waits for no disk. */
int files_create(int dirfd, const char *name, const void *data, size_t n);
/* Reads a file of at most size bytes; -EFBIG for a larger one. Returns its length. */
ssize_t files_read(int dirfd, const char *name, void *buf, size_t size);
/* The text of a file of /proc whose size stat() does not tell, closed with NUL. Returns its
 * length. */
ssize_t files_read_stream(const char *path, char *buf, size_t size);
/* Opens a directory for use with openat(), made with this mode when it is not there. */
int files_open_dir(int dirfd, const char *name, mode_t mode);
/* All n bytes at the offset, or -errno; a disk that takes only part of them is -ENOSPC. */
int files_write_at(int fd, const void *data, size_t n, int64_t off);
int files_read_at(int fd, void *data, size_t n, int64_t off); /* all n bytes, or -EIO at the end */
/* Bytes that this user may still write on the disk of fd. */
int64_t files_free_bytes(int fd);
/* Deletes a directory of plain files and itself. */
int files_remove_dir(int dirfd, const char *name);

#endif
