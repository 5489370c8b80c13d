/* SPDX-License-Identifier: Apache-2.0 */
/* A story that is being told; shared by story.c and story_cmd.c alone. */
#ifndef FRAMEFARM_SIM_STORY_H
#define FRAMEFARM_SIM_STORY_H

#include "base/buf.h"
#include "sim.h"

#define NEXT_MAX 32

struct story {
	struct sim s;
	int devices;
	struct buf got; /* the trace since the last line of the script */
	const char *wanted;
	bool seen;
	struct next {
		enum action_kind kind;
		struct fate fate;
	} next[NEXT_MAX]; /* what becomes of the next operations, by kind */
	int n_next;
	char why[256]; /* a command failed */
};

/* Does a line of the script; 0, or -1 and y->why. */
int story_command(struct story *y, char *line);

struct fate story_fate(void); /* of an operation that goes well */
bool story_until(struct story *y, const char *text, int64_t most_ms);
void story_wait(struct story *y, int64_t ms);

#endif
