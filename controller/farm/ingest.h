/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingestion: chunks from sessions to the sample writer, and acknowledgements back once they are on
 * the disk. While one batch of a session is being stored the next fills up; a session that is ahead
 * by INGEST_AHEAD bytes is paused, which reaches the device as back-pressure. When an attempt has
 * ended and every chunk of its manifest is in the store, the owner is told. Loop thread.
 */
#ifndef FRAMEFARM_FARM_INGEST_H
#define FRAMEFARM_FARM_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/msg.h"

struct ctl_env;
struct ingest;
struct session;
struct store;

#define INGEST_AHEAD        (1024 * 1024) /* bytes a session may be ahead before it is paused */
#define INGEST_CHUNKS_AHEAD 2048          /* chunks, likewise */
#define INGEST_UNDER_WAY    (32 * 1024 * 1024) /* bytes of all sessions with the store at a time */
#define INGEST_RETRY_MS     1000
#define INGEST_ENDS         64 /* ended attempts of one session that are not complete yet */

struct ingest_stats {
	int64_t chunks, values, batches, failures;
};

/* stored(arg, attempt): everything of the attempt is in the store; it may come more than once. */
struct ingest *ingest_new(const struct ctl_env *env, struct store *store,
	void (*stored)(void *arg, int64_t attempt), void *arg);
void ingest_free(struct ingest *in); /* after every session is gone and nothing is under way */
bool ingest_idle(const struct ingest *in);

/* Copies the chunk into the session's batch. */
void ingest_chunk(struct ingest *in, struct session *s, const struct msg_chunk *c, bool late);
/* Hands the batch to the store, unless one of this session is under way. */
void ingest_flush(struct ingest *in, struct session *s);
void ingest_end(struct ingest *in, struct session *s, const struct msg_end *end);
/* What it has handed to the store is stored; nobody is acknowledged. */
void ingest_session_gone(struct ingest *in, struct session *s);
/* The attempt was discarded: what is remembered of it goes. */
void ingest_forget(struct ingest *in, struct session *s, int64_t attempt);
void ingest_get_stats(const struct ingest *in, struct ingest_stats *ret_st);
/* Why samples cannot be stored just now; "" while they can. Each batch that failed is tried again. */
const char *ingest_trouble(const struct ingest *in);

#endif
