/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root becomes an ordinary user for good, so that nothing of a virtual phone is root anywhere. Who is
 * root of a name space that knows no other user stays that: it is nobody's root on the host.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_UNROOT_H
#define FRAMEFARM_DRIVERS_VIRTUAL_UNROOT_H

/* The working directory goes to that user too. 0, also for who is not root; or -1/errno. */
int unroot(unsigned uid);

#endif
