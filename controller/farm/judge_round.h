/* SPDX-License-Identifier: Apache-2.0 */
/* What one round (an attempt) left in the store, read into memory for the judge. Blocks. */
#ifndef FRAMEFARM_FARM_JUDGE_ROUND_H
#define FRAMEFARM_FARM_JUDGE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct err;

#define JUDGE_VALUES_MAX 4000000 /* of one block */

/* One timed block: t[i] is the iteration's start (of a paced block: its release), v[i] its
 * latency. */
struct judge_block {
	int64_t *t, *v;
	size_t n, cap;
	bool too_many;
};

struct judge_round {
	int64_t attempt;
	struct judge_block paced, exec, back_to_back, sustained, sustained_exec;
	struct store_fact *facts;
	int n_facts, cap_facts;
	bool late; /* some of it came after the lease had ended */
};

/* ret_r is zeroed first; free with judge_round_free(), also after a failure. */
int judge_round_read(
	struct store_reader *rd, int64_t attempt, struct judge_round *ret_r, struct err *e);
void judge_round_free(struct judge_round *r);

/* The last fact of that key, or NULL. */
const struct store_fact *judge_fact(const struct judge_round *r, const char *key);
bool judge_fact_int(const struct judge_round *r, const char *key, int64_t *ret_v);
/* NaN when there is none. */
double judge_fact_num(const struct judge_round *r, const char *key);
const char *judge_fact_text(
	const struct judge_round *r, const char *key); /* "" when there is none */

#endif
