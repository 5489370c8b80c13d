/* SPDX-License-Identifier: Apache-2.0 */
/* How the latencies that were stored spread over the bounds of store.h. Pure. */
#ifndef FRAMEFARM_STORE_LATENCY_H
#define FRAMEFARM_STORE_LATENCY_H

#include "store/store.h"

struct rollup;

/* The kind of latencies that a stream of agents/msg.h holds, or -1. */
int latency_kind(int stream_kind);
/* The values in ns, at least one, that r is the rollup of; what no clock can have measured counts as the
 * nearest that one can. */
void latency_count(struct store_latency *l, const struct rollup *r, const int64_t *v);
void latency_add(struct store_latency *into, const struct store_latency *l);

#endif
