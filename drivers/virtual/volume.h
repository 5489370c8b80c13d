/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone's /data as a volume of its own, so that it can be full: memory, in a mount name space of the
 * program's. It outlives a reboot of its phone and goes with the program, in whatever way that ends.
 *
 * Before there is a thread, once a program, and not as root (unroot.h).
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_VOLUME_H
#define FRAMEFARM_DRIVERS_VIRTUAL_VOLUME_H

#include <stdint.h>

struct err;

/* Enters name spaces in which volume_add() may mount. */
int volume_begin(struct err *e);
/* An empty volume of mb MiB as the /data of the phone in dir. */
int volume_add(const char *dir, int64_t mb, struct err *e);
/* Gives the rights back that the name spaces brought. */
int volume_end(struct err *e);

#endif
