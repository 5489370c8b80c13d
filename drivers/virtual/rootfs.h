/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's root: mounts and links that make a directory of the host into what a phone shows. Runs
 * in the phone's own user, mount and pid name space, as its first process, before anything of the
 * phone's runs. Needs no right on the host: all of it is undone when the name space goes.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_ROOTFS_H
#define FRAMEFARM_DRIVERS_VIRTUAL_ROOTFS_H

#include <stdbool.h>

struct err;

struct rootfs {
	const char *dir;  /* the phone's directory: root/, proc/ */
	const char *name; /* host name */
	bool noexec;      /* no program may be started from /data/local/tmp */
};

/* The process stands in the new root afterwards. */
int rootfs_enter(const struct rootfs *r, struct err *e);

#endif
