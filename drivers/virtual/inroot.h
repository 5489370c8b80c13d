/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a phone, used from outside of it: nothing that its programs put there, no link and no
 * "..", leads out of the phone's root (openat2, Linux 5.6). Any thread; these may block.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_INROOT_H
#define FRAMEFARM_DRIVERS_VIRTUAL_INROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* As open(), close-on-exec. own: only what is the phone's own storage (no /proc, no /dev, nothing of
 * the host's): what is written must be. Returns a descriptor, or -1/errno. */
int inroot_open(int root, const char *path, int flags, mode_t mode, bool own);
/* follow: stat, else lstat. 0 or -1/errno. */
int inroot_stat(int root, const char *path, bool follow, struct stat *ret_st);
/* The directory that holds the path's last part, as inroot_open(…, own), and that part. */
int inroot_parent(int root, const char *path, bool make, char *ret_base, size_t size);

#endif
