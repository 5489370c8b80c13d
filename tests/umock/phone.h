/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual phones for stories here: build/framefarm-phone (FRAMEFARM_BUILD names another build
 * directory), which plays adbd on a port of loopback until the test plugs it in:
 *	struct phone p = phone_start("--profile", "minimal", NULL);
 *	umock_tell(m, "plug 1-4.2 role=phone tcp=%d", p.port);
 */
#ifndef FRAMEFARM_TESTS_UMOCK_PHONE_H
#define FRAMEFARM_TESTS_UMOCK_PHONE_H

#include <sys/types.h>

struct phone {
	pid_t pid;
	int out; /* its stdout, open as long as it lives */
	int port;
	char serial[64];
};

/* Options, ended by NULL. Fails the test when no phone comes of it. */
struct phone phone_start(const char *option, ...) __attribute__((sentinel));
void phone_stop(struct phone *p);
void phone_kill_all(void); /* those that a story left, when it failed */
/* Of the build directory: "framefarm-agent". One buffer. */
const char *phone_build_path(const char *name);

#endif
