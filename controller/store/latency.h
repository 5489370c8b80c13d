/* SPDX-License-Identifier: Apache-2.0 */
/* How the latencies that were stored spread over the bounds of store.h. Pure. */
#ifndef FRAMEFARM_STORE_LATENCY_H
#define FRAMEFARM_STORE_LATENCY_H

#include "store/store.h"

/* The kind of latencies that a stream of agents/msg.h holds, or -1. */
int latency_kind(int stream_kind);
/* n values in ns; what no clock can have measured counts as the nearest that one can. */
void latency_count(struct store_latency *l, const int64_t *v, int n);
void latency_add(struct store_latency *into, const struct store_latency *l);

#endif
