/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the virtual phone share: a loop that runs until something is so, a directory of
 * their own, and a profile. */
#ifndef FRAMEFARM_TESTS_PHONE_SUPPORT_H
#define FRAMEFARM_TESTS_PHONE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <cmocka.h>

struct driver_host;
struct profile;

struct support {
	struct loop *loop;
	struct host *host;
	struct driver_host *h;
	char dir[64];
};

void support_init(struct support *s);
void support_fini(struct support *s); /* removes the directory */
/* Runs the loop until cond(arg); fails the test after 20 s. */
void support_until(struct support *s, bool (*cond)(void *arg), void *arg);

/* Lets everything happen that is due by now. */
void support_settle(struct support *s);

struct profile *support_profile(const char *name);
/* The text of a file below the directory; "" when it is not there. Valid until the next call. */
const char *support_text(struct support *s, const char *path);

#endif
