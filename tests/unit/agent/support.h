/* SPDX-License-Identifier: Apache-2.0 */
/* For the agent's tests: a directory tree of one's own, and what a sampler reads in it. */
#ifndef FRAMEFARM_TESTS_AGENT_SUPPORT_H
#define FRAMEFARM_TESTS_AGENT_SUPPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>

#include "agent/root.h"

struct sampler;
struct timesrc;

struct tree {
	char dir[64];
	int fd;
	struct root root;
};

void tree_init(struct tree *t);
void tree_fini(struct tree *t); /* removes everything */
/* Writes a file, with the directories that lead to it. */
void tree_put(struct tree *t, const char *path, const char *text);
void tree_remove(struct tree *t, const char *path);
void tree_link(struct tree *t, const char *path, const char *target);

/* A sampler over a tree, and the values of its last sweep. */
struct reading {
	struct tree *tree;
	struct timesrc *ts;
	struct sampler *s;
	bool seen[256];
	int64_t v[256], t_ns[256];
};

void reading_init(struct reading *r, struct tree *t);
void reading_fini(struct reading *r);
void reading_sweep(struct reading *r);
/* Number of a counter; fails the test when there is none. */
int reading_find(const struct reading *r, const char *name);
bool reading_knows(const struct reading *r, const char *name);
/* The value of the last sweep; fails the test for a gap. */
int64_t reading_value(const struct reading *r, const char *name);
bool reading_gap(const struct reading *r, const char *name);

#endif
