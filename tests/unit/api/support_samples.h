/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of an attempt, written into the real store as an agent's would be. */
#ifndef FRAMEFARM_TEST_API_SUPPORT_SAMPLES_H
#define FRAMEFARM_TEST_API_SUPPORT_SAMPLES_H

#include <stdint.h>

struct ctl;

#define SAMPLES_BOOT_NS 5000000000000LL /* the device's clock when an attempt begins */

struct samples {
	int64_t attempt;
	uint32_t stream;
	int kind; /* enum stream_kind */
	const char *name, *unit;
	int64_t scale, budget_ns, period_ns;
};

void samples_put(struct ctl *c, const struct samples *s, const int64_t *t, const int64_t *v, int n);
void samples_text(struct ctl *c, int64_t attempt, const char *text);
void samples_fact_int(struct ctl *c, int64_t attempt, uint64_t seq, const char *key, int64_t v);
void samples_fact_text(
	struct ctl *c, int64_t attempt, uint64_t seq, const char *key, const char *text);

#endif
