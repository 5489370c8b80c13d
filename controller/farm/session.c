/* SPDX-License-Identifier: Apache-2.0 */
/* Agent sessions; see session.h. */
#include "farm/session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agents/plan.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "farm/ctl.h"
#include "farm/ingest.h"

/* What may be the matter with an agent that breaks the protocol. */
#define OTHER_BUILD "; is it of another build? `make` builds it"

#define FEED_MAX     65536
#define HANDSHAKE_MS 15000
#define QUIET_MS     10000 /* an agent says something each second; this long without is asked about */
#define QUIET_MAX    3     /* such times in a row */

enum state { HANDSHAKE, UP, DEAD };

struct session {
	struct ctl_env env;
	struct stream *stream; /* NULL once it is closed */
	struct ingest *ingest;
	struct session_ops ops;
	void *arg;
	enum state state;
	struct proto_parser parser;
	struct buf out;
	struct host_timer *timer; /* of the handshake, or of a pending report */
	struct host_timer *watch; /* while UP */
	int quiet;                /* times that the watch heard nothing, in a row */
	bool paused;
	int fail_rc;
	char fail_text[LIMIT_CAUSE];
	struct {
		int64_t action, attempt;
	} start; /* START without an answer yet; action 0: none */
};

/* ---- out ---- */

static void push_out(struct session *s)
{
	size_t n;

	while (s->stream && s->out.len) {
		n = s->stream->ops->write(s->stream, s->out.data, s->out.len);
		if (!n)
			return;
		buf_drop(&s->out, n);
	}
}

static int send_frame(struct session *s, uint16_t type, const void *payload, uint32_t len)
{
	uint8_t head[PROTO_HEADER];

	if (!s->stream || s->state == DEAD)
		return ERR_GONE;
	if (s->out.len + PROTO_HEADER + len > SESSION_OUT_MAX)
		return ERR_FULL;
	proto_header_put(head, type, payload, len);
	buf_put(&s->out, head, sizeof(head));
	buf_put(&s->out, payload, len);
	push_out(s);
	return 0;
}

static int send_w(struct session *s, uint16_t type, const struct proto_w *w)
{
	assert(!w->full);
	return send_frame(s, type, w->p, w->len);
}

static void send_hello(struct session *s, const struct session_config *cfg)
{
	uint8_t mem[256];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, PROTO_VERSION_MIN);
	proto_put_u16(&w, PROTO_VERSION);
	proto_put_bytes(&w, cfg->secret, PROTO_SECRET);
	proto_put_text(&w, cfg->farm_id);
	proto_put_i64(&w, cfg->epoch);
	send_w(s, PROTO_HELLO, &w);
}

static void send_lease(struct session *s, int64_t epoch, int64_t ttl_ms)
{
	uint8_t mem[16];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_i64(&w, epoch);
	proto_put_u32(&w, ttl_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ttl_ms);
	send_w(s, PROTO_LEASE, &w);
}

int session_start(struct session *s, int64_t action, int64_t attempt, int64_t epoch, int64_t ttl_ms,
	const void *plan, uint32_t plan_len)
{
	struct proto_w w;
	void *mem;
	int rc;

	if (s->state != UP)
		return ERR_GONE;
	if (s->start.action)
		return ERR_BUSY;
	mem = mem_alloc(plan_len + 64);
	proto_w_init(&w, mem, plan_len + 64);
	proto_put_i64(&w, epoch);
	proto_put_i64(&w, attempt);
	proto_put_bytes(&w, plan, plan_len);
	send_lease(s, epoch, ttl_ms);
	rc = send_w(s, PROTO_START, &w);
	mem_free(mem);
	if (rc)
		return rc;
	s->start.action = action;
	s->start.attempt = attempt;
	return 0;
}

int session_stop(struct session *s, int64_t attempt, int64_t epoch, const char *reason)
{
	uint8_t mem[512];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_i64(&w, epoch);
	proto_put_i64(&w, attempt);
	proto_put_text(&w, reason);
	return send_w(s, PROTO_STOP, &w);
}

int session_discard(struct session *s, int64_t attempt)
{
	uint8_t mem[8];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_i64(&w, attempt);
	ingest_forget(s->ingest, s, attempt);
	return send_w(s, PROTO_DISCARD, &w);
}

int session_ack(struct session *s, int64_t attempt, uint32_t stream, uint64_t seq)
{
	uint8_t mem[32];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_i64(&w, attempt);
	proto_put_u32(&w, stream);
	proto_put_u64(&w, seq);
	return send_w(s, PROTO_ACK, &w);
}

void session_pause(struct session *s, bool on)
{
	s->paused = on;
	if (s->stream)
		s->stream->ops->pause(s->stream, on);
}

/* ---- the end ---- */

static void stop_one(struct session *s, struct host_timer **t)
{
	if (*t)
		s->env.host->timer_del(s->env.host, *t);
	*t = NULL;
}

static void stop_timer(struct session *s)
{
	stop_one(s, &s->timer);
	stop_one(s, &s->watch);
}

static void report_end(void *arg)
{
	struct session *s = arg;
	bool was_up = s->state == UP;

	s->timer = NULL;
	s->state = DEAD;
	/* Last in this function: the owner may free the session in it. */
	if (was_up)
		s->ops.lost(s->arg, s->fail_text);
	else
		s->ops.welcome(s->arg, s->fail_rc, s->fail_text, NULL);
}

/* The owner hears of the end from the loop, never inside one of its own calls. */
static void end_later(struct session *s, int rc, const char *text)
{
	if (s->fail_rc || s->state == DEAD)
		return;
	s->fail_rc = rc;
	str_copy_clean(s->fail_text, sizeof(s->fail_text), text, strlen(text));
	stop_timer(s);
	s->timer = s->env.host->timer_add(
		s->env.host, s->env.host->now_ms(s->env.host), report_end, s);
}

void session_fail(struct session *s, const char *text)
{
	end_later(s, ERR_PROTO, text);
	if (s->stream)
		s->stream->ops->close(s->stream);
}

static void handshake_late(void *arg)
{
	struct session *s = arg;

	s->timer = NULL;
	end_later(s, ERR_TIMEOUT, "the agent did not answer the handshake");
}

/* ---- silence ----
 *
 * A cable that is pulled closes the stream; an agent that is frozen does not, and a run that waits for
 * it would wait for its whole deadline. Times are counted rather than measured, so that a controller
 * that stood still itself blames nobody; while the ingestion does not read, silence means nothing.
 */

static void watch_on(struct session *s);

static void watch(void *arg)
{
	struct session *s = arg;
	uint8_t nonce[8] = {0};

	s->watch = NULL;
	if (s->paused)
		s->quiet = 0;
	if (s->quiet++ == QUIET_MAX) {
		session_fail(s, "the agent says nothing and answers no ping; is its device asleep, "
				"or the agent stopped?");
		return;
	}
	if (s->quiet > 1)
		send_frame(s, PROTO_PING, nonce, sizeof(nonce));
	watch_on(s);
}

static void watch_on(struct session *s)
{
	s->watch = s->env.host->timer_add(
		s->env.host, s->env.host->now_ms(s->env.host) + QUIET_MS, watch, s);
}

/* ---- in ---- */

static void on_welcome(struct session *s, const struct proto_frame *f)
{
	struct msg_welcome w;

	if (s->state != HANDSHAKE || msg_welcome_get(f->payload, f->len, &w)) {
		session_fail(s, "the agent's welcome is malformed" OTHER_BUILD);
		return;
	}
	if (w.version < PROTO_VERSION_MIN || w.version > PROTO_VERSION) {
		msg_welcome_fini(&w);
		session_fail(s, "the agent chose a version that we did not offer" OTHER_BUILD);
		return;
	}
	stop_timer(s);
	s->state = UP;
	watch_on(s);
	s->ops.welcome(s->arg, 0, "", &w);
	msg_welcome_fini(&w);
}

static const char *refusal_text(uint16_t code)
{
	switch (code) {
	case PROTO_REFUSE_VERSION:
		return "agent and controller have no version in common; restart the agent from "
		       "this "
		       "framefarm's build";
	case PROTO_REFUSE_SECRET:
		return "another controller started this agent: its secret is not ours";
	case PROTO_REFUSE_EPOCH:
		return "the lease is no longer the newest";
	case PROTO_REFUSE_BUSY:
		return "the agent runs another attempt";
	case PROTO_REFUSE_PLAN:
		return "the agent cannot do this plan";
	case PROTO_REFUSE_SPACE:
		return "the device has no space left for the spool";
	}
	return "the agent refused";
}

static int refusal_rc(uint16_t code)
{
	switch (code) {
	case PROTO_REFUSE_VERSION:
		return ERR_VERSION;
	case PROTO_REFUSE_SECRET:
		return ERR_PERM;
	case PROTO_REFUSE_EPOCH:
		return ERR_CONFLICT;
	case PROTO_REFUSE_BUSY:
		return ERR_BUSY;
	case PROTO_REFUSE_SPACE:
		return ERR_NOSPACE;
	}
	return ERR_PROTO;
}

static void start_answered(struct session *s, int rc, const char *text, bool blame)
{
	int64_t action = s->start.action;

	s->start.action = s->start.attempt = 0;
	s->ops.started(s->arg, action, rc, text, blame);
}

static void on_refuse(struct session *s, const struct proto_frame *f)
{
	char said[PROTO_TEXT_MAX], text[LIMIT_CAUSE];
	struct proto_r r;
	uint16_t about, code;
	int64_t attempt;

	proto_r_init(&r, f->payload, f->len);
	about = proto_get_u16(&r);
	attempt = proto_get_i64(&r);
	code = proto_get_u16(&r);
	proto_get_text(&r, said, sizeof(said));
	if (r.bad) {
		session_fail(s, "the agent's refusal is malformed");
		return;
	}
	snprintf(text, sizeof(text), "%s (%.120s)", refusal_text(code), said);
	if (about == PROTO_START && s->start.action && attempt == s->start.attempt) {
		start_answered(s, refusal_rc(code), text, code == PROTO_REFUSE_SPACE);
	} else if (s->state == HANDSHAKE) {
		end_later(s, refusal_rc(code), text);
	} else {
		log_warn("event=agent_refused about=%u attempt=a%lld cause=\"%s\"", about,
			(long long)attempt, text);
	}
}

static void saw_attempt(struct session *s, int64_t attempt)
{
	if (s->start.action && attempt == s->start.attempt)
		start_answered(s, 0, "", false);
}

static void on_status(struct session *s, const struct proto_frame *f)
{
	struct msg_status st;

	if (msg_status_get(f->payload, f->len, &st)) {
		session_fail(s, "the agent's status is malformed");
		return;
	}
	if (st.attempt)
		saw_attempt(s, st.attempt);
	s->ops.status(s->arg, &st);
}

static void on_chunk(struct session *s, const struct proto_frame *f)
{
	struct msg_chunk c;
	bool late = false;

	if (msg_chunk_get(f->payload, f->len, &c)) {
		session_fail(s, "a chunk is malformed");
		return;
	}
	saw_attempt(s, c.attempt);
	if (s->ops.knows(s->arg, c.attempt, &late))
		ingest_chunk(s->ingest, s, &c, late);
}

static void on_end(struct session *s, const struct proto_frame *f)
{
	struct msg_end end;
	bool late = false;

	if (msg_end_get(f->payload, f->len, &end)) {
		session_fail(s, "the end of an attempt is malformed");
		return;
	}
	saw_attempt(s, end.attempt);
	if (!s->ops.knows(s->arg, end.attempt, &late))
		return;
	s->ops.ended(s->arg, &end);
	ingest_end(s->ingest, s, &end);
}

static void on_frame(struct session *s, const struct proto_frame *f)
{
	if (s->state == HANDSHAKE && f->type != PROTO_WELCOME && f->type != PROTO_REFUSE) {
		session_fail(s, "the agent spoke before its welcome" OTHER_BUILD);
		return;
	}
	switch (f->type) {
	case PROTO_WELCOME:
		on_welcome(s, f);
		break;
	case PROTO_REFUSE:
		on_refuse(s, f);
		break;
	case PROTO_STATUS:
		on_status(s, f);
		break;
	case PROTO_CHUNK:
		on_chunk(s, f);
		break;
	case PROTO_END:
		on_end(s, f);
		break;
	case PROTO_PONG:
		break;
	default: /* of a later version; it may say more than we know */
		log_debug("event=agent_frame_unknown type=%u", f->type);
		break;
	}
}

static void drain_frames(struct session *s)
{
	struct proto_frame f;
	int got;

	while (s->stream && !s->fail_rc && (got = proto_parser_next(&s->parser, &f))) {
		if (got < 0) {
			session_fail(s, "the agent sent garbage" OTHER_BUILD);
			return;
		}
		on_frame(s, &f);
	}
}

static void stream_data(void *arg, const uint8_t *data, size_t n)
{
	struct session *s = arg;

	s->quiet = 0;
	while (n && s->stream && !s->fail_rc) {
		size_t take = n < FEED_MAX ? n : FEED_MAX;

		if (proto_parser_feed(&s->parser, data, take)) {
			session_fail(s, "no memory for the agent's data");
			return;
		}
		drain_frames(s);
		data += take;
		n -= take;
	}
	ingest_flush(s->ingest, s);
}

static void stream_drained(void *arg)
{
	push_out(arg);
}

static void stream_closed(void *arg, int code, const char *text)
{
	struct session *s = arg;

	s->stream = NULL;
	end_later(s, code ? code : ERR_GONE,
		text && *text ? text : "the agent closed the connection");
}

static const struct stream_events stream_events = {
	.data = stream_data,
	.drained = stream_drained,
	.closed = stream_closed,
};

/* For a stream whose session is gone: nothing is left to tell. */
static void ignore_data(void *arg, const uint8_t *data, size_t n)
{
	(void)arg, (void)data, (void)n;
}

static void ignore_drained(void *arg)
{
	(void)arg;
}

static void ignore_closed(void *arg, int code, const char *text)
{
	(void)arg, (void)code, (void)text;
}

static const struct stream_events orphan_events = {
	.data = ignore_data,
	.drained = ignore_drained,
	.closed = ignore_closed,
};

void session_drop_stream(struct stream *stream)
{
	stream->events = &orphan_events;
	stream->arg = NULL;
	stream->ops->close(stream);
}

struct session *session_new(const struct ctl_env *env, struct stream *stream, struct ingest *in,
	const struct session_config *cfg, const struct session_ops *ops, void *arg)
{
	struct session *s = mem_zalloc(sizeof(*s));

	s->env = *env;
	s->stream = stream;
	s->ingest = in;
	s->ops = *ops;
	s->arg = arg;
	proto_parser_init(&s->parser);
	buf_init(&s->out, SESSION_OUT_MAX);
	stream->events = &stream_events;
	stream->arg = s;
	s->timer = env->host->timer_add(
		env->host, env->host->now_ms(env->host) + HANDSHAKE_MS, handshake_late, s);
	send_hello(s, cfg);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	stop_timer(s);
	ingest_session_gone(s->ingest, s);
	if (s->stream)
		session_drop_stream(s->stream);
	proto_parser_fini(&s->parser);
	buf_fini(&s->out);
	mem_free(s);
}
