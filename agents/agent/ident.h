/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this agent and its device are: what WELCOME and the first facts of an attempt say.
 */
#ifndef FRAMEFARM_AGENT_IDENT_H
#define FRAMEFARM_AGENT_IDENT_H

#include <stdint.h>

struct root;

struct ident {
	char uuid[40];           /* kept in the file "uuid", made at the first start */
	uint64_t boot;           /* random, of this start of the agent; never 0 */
	char kernel_boot_id[40]; /* "" when it cannot be read */
	char abi[32];            /* uname -m */
	char os[128];            /* uname -s -r -v */
};

/* Returns 0 or -errno. */
int ident_load(struct ident *id, int dirfd, const struct root *root);

#endif
