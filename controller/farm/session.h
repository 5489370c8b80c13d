/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent session: proto.h over a driver's stream. It shakes hands, sends commands, takes what the
 * agent says. Samples go to the ingestion (ingest.h) and never through the turn; the core hears of
 * small things only: the end of an attempt, that all of it is stored, a status. Loop thread.
 */
#ifndef FRAMEFARM_FARM_SESSION_H
#define FRAMEFARM_FARM_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/msg.h"

struct ctl_env;
struct ingest;
struct session;
struct stream;

#define SESSION_OUT_MAX (2 * 1024 * 1024) /* commands that wait for the stream */

struct session_ops {
	/* The handshake's end, exactly once: rc 0 and the welcome, or an error and a sentence. Not
	 * inside
	 * session_new(). */
	void (*welcome)(void *arg, int rc, const char *text, const struct msg_welcome *w);
	/* After a good welcome: the connection ended. The session is still to be freed. */
	void (*lost)(void *arg, const char *text);
	void (*status)(void *arg, const struct msg_status *st);
	/* START was taken (rc 0) or refused. */
	void (*started)(void *arg, int64_t action, int rc, const char *text, bool blame_device);
	/* END came; the attempt's manifest is with the ingestion already. */
	void (*ended)(void *arg, const struct msg_end *end);
	/* Whether the farm knows the attempt; late: its lease has ended. */
	bool (*knows)(void *arg, int64_t attempt, bool *ret_late);
};

struct session_config {
	const uint8_t *secret; /* PROTO_SECRET bytes */
	const char *farm_id;
	int64_t epoch; /* newest that the farm has issued for the device */
};

/* Takes the stream. */
struct session *session_new(const struct ctl_env *env, struct stream *stream, struct ingest *in,
	const struct session_config *cfg, const struct session_ops *ops, void *arg);
/* Closes the connection; no callback comes any more. NULL allowed. */
void session_free(struct session *s);

/* Closes a stream that nobody wants any more. */
void session_drop_stream(struct stream *stream);

/* Sends LEASE and START. started() comes once, unless the session is lost or freed before. */
int session_start(struct session *s, int64_t action, int64_t attempt, int64_t epoch, int64_t ttl_ms,
	const void *plan, uint32_t plan_len);
int session_stop(struct session *s, int64_t attempt, int64_t epoch, const char *reason);
int session_discard(struct session *s, int64_t attempt);
int session_ack(struct session *s, int64_t attempt, uint32_t stream, uint64_t seq);
/* Back-pressure from the ingestion. */
void session_pause(struct session *s, bool on);
/* The ingestion found that the agent broke a rule: the connection ends. */
void session_fail(struct session *s, const char *text);

#endif
