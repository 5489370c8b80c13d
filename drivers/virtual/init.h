/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a virtual phone. The program starts itself again as `framefarm-phone-init DIR
 * NAME x86_64|arm64 exec|noexec` with its end of a socket (initmsg.h) as standard input. It makes the name
 * spaces, becomes their process 1 in the phone's root, and from then on starts, signals and reaps
 * what the socket asks for. When the socket's other end goes, so does everything in the phone: with
 * process 1 the kernel ends its whole pid name space.
 *
 * A process of its own, single-threaded; it reads no clock and keeps no state but who runs.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_INIT_H
#define FRAMEFARM_DRIVERS_VIRTUAL_INIT_H

#include <stdbool.h>

#define INIT_NAME "framefarm-phone-init"
#define INIT_UID  2000 /* AID_SHELL of Android */

bool init_is_meant(int argc, char **argv);
int init_main(int argc, char **argv);

#endif
