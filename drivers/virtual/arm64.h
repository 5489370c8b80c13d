/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of arm64 run under qemu-user, which the kernel is told of through binfmt_misc. Since Linux
 * 6.7 a user name space can have one of its own, whose files belong to that name space's root; so the
 * registration is made in a name space around the phone's, where we are root, and holds as long as
 * the process that made it. Where that does not work, the host's own registration is as good.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_ARM64_H
#define FRAMEFARM_DRIVERS_VIRTUAL_ARM64_H

struct err;

/* The calling process must have no threads; it is in name spaces of its own afterwards, and stays.
 * write_maps(inside) gives it the id `inside` there. */
int arm64_register(int (*write_maps)(int inside), struct err *e);

#endif
