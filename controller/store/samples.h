/* SPDX-License-Identifier: Apache-2.0 */
/* How the sample writer stores batches: one file of the rules of msg.h, checked chunk by chunk. */
#ifndef FRAMEFARM_STORE_SAMPLES_H
#define FRAMEFARM_STORE_SAMPLES_H

#include "store/store.h"
#include "store/writer.h"

struct db;
struct err;
struct samples;

/* Stream numbers beyond are refused: an attempt has at most MSG_STREAMS_MAX streams, numbered from
 * 0, and some room is left for numbers that were given and not used. */
#define SAMPLES_STREAM_MAX 4096

struct samples_stats {
	uint64_t chunks, values, resends; /* committed */
	struct store_latency latency[STORE_LATENCY_KINDS];
};

struct samples *samples_new(struct db *db, struct err *e);
void samples_free(struct samples *s); /* behind the writer's end; NULL is allowed */
void samples_get_stats(struct samples *s, struct samples_stats *ret_st); /* any thread */

extern const struct writer_ops samples_ops; /* its ctx is a struct samples, its work a batch */

#endif
