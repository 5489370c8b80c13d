/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's body at work: reads how busy its processes are, lets the physics go on to now, and
 * writes what the sensors show. Blocks: pool thread, one call at a time a phone.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_BODY_H
#define FRAMEFARM_DRIVERS_VIRTUAL_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtual/physics.h"

struct body {
	const char *dir;
	const struct profile *profile;
	struct physics physics;
	int64_t last_ms, last_cpu_ms;
	bool powered;
};

/* Everything a fresh boot finds: directories, tools, the profile's files. Storage of before stays.
 * 0 or an errno with the path it was about. */
struct tree_phone;
int body_prepare(struct body *b, const struct tree_phone *t, char *ret_what, size_t size);
/* root: the phone's "/", whose /proc tells what its processes used. */
void body_step(struct body *b, int root, int64_t now_ms);

/* CPU time that all processes below this /proc have used, those that were reaped included, in ms. */
int64_t body_cpu_ms(int root);

#endif
