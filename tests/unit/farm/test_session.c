/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent session over a stream in memory: what a good agent gets, and how a hostile one is shown the
 * door. The store behind the ingestion is the real one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agents/msg.h"
#include "agents/plan.h"
#include "base/err.h"
#include "core/rows.h"
#include "farm/ingest.h"
#include "farm/session.h"
#include "store/store.h"
#include "support_env.h"

struct wire {
	struct stream stream; /* first */
	uint8_t out[1 << 20];
	size_t n_out;
	bool closing, paused;
};

static size_t wire_write(struct stream *s, const uint8_t *data, size_t n)
{
	struct wire *w = (struct wire *)s;

	memcpy(w->out + w->n_out, data, n);
	w->n_out += n;
	return n;
}

static void wire_pause(struct stream *s, bool on)
{
	((struct wire *)s)->paused = on;
}

static void wire_close(struct stream *s)
{
	((struct wire *)s)->closing = true;
}

static const struct stream_ops wire_ops = {wire_write, wire_pause, wire_close};

struct world {
	char dir[64];
	struct env *env;
	struct store *store;
	struct ingest *ingest;
	struct wire wire;
	struct session *session;
	int welcomes, welcome_rc, lost, started, started_rc, ended, stored;
	char text[LIMIT_CAUSE];
	bool knows, late;
};

static void on_welcome(void *arg, int rc, const char *text, const struct msg_welcome *w)
{
	struct world *x = arg;

	(void)w;
	x->welcomes++;
	x->welcome_rc = rc;
	snprintf(x->text, sizeof(x->text), "%s", text);
}

static void on_lost(void *arg, const char *text)
{
	struct world *x = arg;

	x->lost++;
	snprintf(x->text, sizeof(x->text), "%s", text);
}

static void on_status(void *arg, const struct msg_status *st)
{
	(void)arg, (void)st;
}

static void on_started(void *arg, int64_t action, int rc, const char *text, bool blame)
{
	struct world *x = arg;

	(void)blame;
	assert_int_equal(action, 77);
	x->started++;
	x->started_rc = rc;
	snprintf(x->text, sizeof(x->text), "%s", text);
}

static void on_ended(void *arg, const struct msg_end *end)
{
	(void)end;
	((struct world *)arg)->ended++;
}

static bool knows(void *arg, int64_t attempt, bool *ret_late)
{
	struct world *x = arg;

	(void)attempt;
	*ret_late = x->late;
	return x->knows;
}

static const struct session_ops ops = {on_welcome, on_lost, on_status, on_started, on_ended, knows};

static void all_stored(void *arg, int64_t attempt)
{
	assert_int_equal(attempt, 5);
	((struct world *)arg)->stored++;
}

static struct world *open_world(void)
{
	struct world *x = calloc(1, sizeof(*x));
	struct store_config cfg = {.dir = x->dir, .tables = core_tables};
	struct session_config sc = {.secret = (const uint8_t *)"0123456789abcdef0123456789abcdef",
		.farm_id = "farm",
		.epoch = 3};
	struct ctl_env env;
	struct err e;
	int upgraded;

	snprintf(x->dir, sizeof(x->dir), "/tmp/ff-session-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	x->env = env_new();
	env_ctl(x->env, &env);
	x->store = store_open(&cfg, &upgraded, &e);
	assert_non_null(x->store);
	x->ingest = ingest_new(&env, x->store, all_stored, x);
	x->wire.stream.ops = &wire_ops;
	x->knows = true;
	x->session = session_new(&env, &x->wire.stream, x->ingest, &sc, &ops, x);
	return x;
}

static bool ingest_done(void *arg)
{
	return ingest_idle(((struct world *)arg)->ingest);
}

static void close_world(struct world *x)
{
	char cmd[128];

	session_free(x->session);
	assert_true(env_run_until(x->env, ingest_done, x));
	ingest_free(x->ingest);
	store_close(x->store);
	env_free(x->env);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", x->dir);
	assert_int_equal(system(cmd), 0);
	free(x);
}

static void say_raw(struct world *x, const void *data, size_t n)
{
	x->wire.stream.events->data(x->wire.stream.arg, data, n);
}

static void say(struct world *x, uint16_t type, const struct proto_w *w)
{
	uint8_t head[PROTO_HEADER];

	assert_false(w->full);
	proto_header_put(head, type, w->p, w->len);
	say_raw(x, head, sizeof(head));
	say_raw(x, w->p, w->len);
}

static void welcome(struct world *x, uint16_t version)
{
	static const struct msg_welcome plain = {.agent_uuid = "uuid", .abi = "x86_64"};
	struct msg_welcome m = plain;
	uint8_t mem[1024];
	struct proto_w w;

	m.version = version;
	proto_w_init(&w, mem, sizeof(mem));
	msg_welcome_put(&w, &m);
	say(x, PROTO_WELCOME, &w);
}

/* What we sent, frame by frame. */
static int frames_of(const struct world *x, uint16_t type)
{
	int n = 0;

	for (size_t at = 0; at + PROTO_HEADER <= x->wire.n_out;) {
		struct proto_header h;

		assert_int_equal(proto_header_get(x->wire.out + at, &h), 0);
		n += h.type == type;
		at += PROTO_HEADER + h.len;
	}
	return n;
}

static void a_good_agent_is_welcomed(void **state)
{
	struct world *x = open_world();

	(void)state;
	assert_int_equal(frames_of(x, PROTO_HELLO), 1);
	welcome(x, PROTO_VERSION);
	assert_int_equal(x->welcomes, 1);
	assert_int_equal(x->welcome_rc, 0);
	close_world(x);
}

static void ends(struct world *x, int rc, const char *says)
{
	env_advance(x->env, 0);
	assert_int_equal(x->welcomes, 1);
	if (rc)
		assert_int_equal(x->welcome_rc, rc);
	else
		assert_int_equal(x->lost, 1);
	if (!strstr(x->text, says))
		fail_msg("\"%s\" does not say \"%s\"", x->text, says);
	close_world(x);
}

static void garbage_ends_the_handshake(void **state)
{
	struct world *x = open_world();

	(void)state;
	say_raw(x, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	assert_true(x->wire.closing);
	ends(x, ERR_PROTO, "garbage");
}

static void another_version_is_refused_by_name(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, 9);
	ends(x, ERR_PROTO, "version");
}

static void silence_ends_the_handshake(void **state)
{
	struct world *x = open_world();

	(void)state;
	env_advance(x->env, 15000);
	ends(x, ERR_TIMEOUT, "did not answer");
}

static void refusal(struct world *x, uint16_t about, int64_t attempt, uint16_t code)
{
	uint8_t mem[256];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, about);
	proto_put_i64(&w, attempt);
	proto_put_u16(&w, code);
	proto_put_text(&w, "because");
	say(x, PROTO_REFUSE, &w);
}

static void another_controllers_agent_says_so(void **state)
{
	struct world *x = open_world();

	(void)state;
	refusal(x, PROTO_HELLO, 0, PROTO_REFUSE_SECRET);
	ends(x, ERR_PERM, "secret");
}

static void malformed_messages_end_the_session(void **state)
{
	static const uint16_t types[] = {
		PROTO_WELCOME, PROTO_STATUS, PROTO_CHUNK, PROTO_END, PROTO_REFUSE};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct world *x = open_world();
		uint8_t mem[4] = {1, 2, 3, 4};
		struct proto_w w = {.p = mem, .len = 3, .cap = 4};

		welcome(x, PROTO_VERSION);
		say(x, types[i], &w);
		assert_true(x->wire.closing);
		ends(x, 0, "malformed");
	}
}

static void pong(struct world *x)
{
	uint8_t mem[32] = {0};
	struct proto_w w = {.p = mem, .len = 32, .cap = 32};

	say(x, PROTO_PONG, &w);
}

static void pass_minutes(struct world *x, int minutes, bool answer)
{
	for (int i = 0; i < 6 * minutes; i++) {
		int pings = frames_of(x, PROTO_PING);

		env_advance(x->env, 10000);
		if (answer && frames_of(x, PROTO_PING) > pings)
			pong(x);
	}
}

/* Its kernel keeps the connection open, so nothing else would ever end it. */
static void an_agent_that_falls_silent_is_lost(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	env_advance(x->env, 30000); /* at once, as of a controller that stood still itself */
	assert_int_equal(x->lost, 0);
	pass_minutes(x, 1, false);
	assert_true(frames_of(x, PROTO_PING) >= 2);
	assert_true(x->wire.closing);
	ends(x, 0, "answers no ping");
}

static void one_that_answers_is_kept(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	pass_minutes(x, 5, true);
	assert_true(frames_of(x, PROTO_PING) > 0);
	assert_int_equal(x->lost, 0);
	close_world(x);
}

static void silence_means_nothing_while_we_do_not_listen(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	session_pause(x->session, true);
	pass_minutes(x, 5, false);
	assert_int_equal(x->lost, 0);
	session_pause(x->session, false);
	pass_minutes(x, 1, false);
	ends(x, 0, "answers no ping");
}

static void a_frame_of_a_later_version_is_passed_over(void **state)
{
	struct world *x = open_world();
	uint8_t mem[4] = {0};
	struct proto_w w = {.p = mem, .len = 4, .cap = 4};

	(void)state;
	welcome(x, PROTO_VERSION);
	say(x, 4000, &w);
	assert_false(x->wire.closing);
	close_world(x);
}

static void start_is_taken_when_the_agent_speaks_of_the_attempt(void **state)
{
	struct world *x = open_world();
	struct msg_status st = {.attempt = 5};
	uint8_t mem[512];
	struct proto_w w;

	(void)state;
	assert_int_equal(session_start(x->session, 77, 5, 4, 1000, "plan", 4), ERR_GONE);
	welcome(x, PROTO_VERSION);
	assert_int_equal(session_start(x->session, 77, 5, 4, 1000, "plan", 4), 0);
	assert_int_equal(session_start(x->session, 78, 6, 4, 1000, "plan", 4), ERR_BUSY);
	assert_int_equal(frames_of(x, PROTO_LEASE), 1);
	assert_int_equal(frames_of(x, PROTO_START), 1);
	proto_w_init(&w, mem, sizeof(mem));
	msg_status_put(&w, &st);
	say(x, PROTO_STATUS, &w);
	say(x, PROTO_STATUS, &w);
	assert_int_equal(x->started, 1);
	assert_int_equal(x->started_rc, 0);
	close_world(x);
}

static void a_refused_start_has_its_cause(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	session_start(x->session, 77, 5, 4, 1000, "plan", 4);
	refusal(x, PROTO_START, 6, PROTO_REFUSE_BUSY); /* about another one */
	assert_int_equal(x->started, 0);
	refusal(x, PROTO_START, 5, PROTO_REFUSE_SPACE);
	assert_int_equal(x->started, 1);
	assert_int_equal(x->started_rc, ERR_NOSPACE);
	assert_non_null(strstr(x->text, "space"));
	close_world(x);
}

/* ---- data ---- */

static void chunk(struct world *x, uint64_t seq)
{
	struct msg_decl d = {.kind = STREAM_TEXT, .name = "text", .scale = 1};
	struct msg_chunk m = {
		.attempt = 5, .boot = 1, .stream = 1, .seq = seq, .kind = STREAM_TEXT};
	uint8_t mem[1024], payload[512];
	struct proto_w w, p;

	proto_w_init(&p, payload, sizeof(payload));
	if (seq == 1)
		msg_decl_put(&p, &d);
	else
		proto_put_raw(&p, "hello", 5);
	m.payload = payload;
	m.len = p.len;
	m.n = seq == 1 ? 0 : 5;
	proto_w_init(&w, mem, sizeof(mem));
	msg_chunk_put(&w, &m);
	say(x, PROTO_CHUNK, &w);
}

static void end(struct world *x, uint64_t last)
{
	struct msg_end m = {.attempt = 5, .boot = 1, .n_streams = 1};
	uint8_t mem[8192];
	struct proto_w w;

	m.streams[0].stream = 1;
	m.streams[0].last_seq = last;
	proto_w_init(&w, mem, sizeof(mem));
	msg_end_put(&w, &m);
	say(x, PROTO_END, &w);
}

static bool is_stored(void *arg)
{
	return ((struct world *)arg)->stored > 0;
}

static bool is_acknowledged(void *arg)
{
	return frames_of(arg, PROTO_ACK) > 0;
}

static bool is_acknowledged_twice(void *arg)
{
	return frames_of(arg, PROTO_ACK) > 1;
}

static bool is_closing(void *arg)
{
	return ((struct world *)arg)->wire.closing;
}

static void an_attempt_is_whole_when_its_last_chunk_is_on_the_disk(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	chunk(x, 1);
	chunk(x, 2);
	end(x, 3);
	assert_true(env_run_until(x->env, is_acknowledged, x));
	env_run_posts(x->env);
	assert_int_equal(x->ended, 1);
	assert_int_equal(x->stored, 0); /* chunk 3 is missing */
	chunk(x, 3);
	assert_true(env_run_until(x->env, is_stored, x));
	close_world(x);
}

static void after_a_restart_the_store_knows_what_is_whole(void **state)
{
	struct world *x = open_world();
	struct ctl_env env;
	struct session_config sc = {
		.secret = (const uint8_t *)"0123456789abcdef0123456789abcdef", .farm_id = "farm"};

	(void)state;
	welcome(x, PROTO_VERSION);
	chunk(x, 1);
	chunk(x, 2);
	assert_true(env_run_until(x->env, is_acknowledged_twice, x));
	/* The next session's agent has nothing left to send but END. */
	session_free(x->session);
	env_run_posts(x->env);
	memset(&x->wire, 0, sizeof(x->wire));
	x->wire.stream.ops = &wire_ops;
	env_ctl(x->env, &env);
	x->session = session_new(&env, &x->wire.stream, x->ingest, &sc, &ops, x);
	welcome(x, PROTO_VERSION);
	end(x, 2);
	assert_true(env_run_until(x->env, is_stored, x));
	end(x, 2); /* repeated: told again, or nothing; never a fault */
	env_run_posts(x->env);
	close_world(x);
}

static bool has_failed(void *arg)
{
	struct ingest_stats st;

	ingest_get_stats(((struct world *)arg)->ingest, &st);
	return st.failures > 0;
}

/* Files of this process may grow no further; what was written already stays. */
static void let_files_grow(bool yes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = yes ? l.rlim_max : 1;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
	signal(SIGXFSZ, yes ? SIG_DFL : SIG_IGN);
}

static void what_the_disk_does_not_take_is_acknowledged_only_when_it_does(void **state)
{
	struct world *x = open_world();
	bool failed;

	(void)state;
	welcome(x, PROTO_VERSION);
	let_files_grow(false);
	chunk(x, 1);
	failed = env_run_until(x->env, has_failed, x);
	let_files_grow(true);
	assert_true(failed);
	env_run_posts(x->env);
	assert_int_equal(frames_of(x, PROTO_ACK), 0);
	env_advance(x->env, INGEST_RETRY_MS);
	assert_true(env_run_until(x->env, is_acknowledged, x));
	assert_int_equal(x->lost, 0);
	end(x, 1);
	assert_true(env_run_until(x->env, is_stored, x));
	close_world(x);
}

static void a_gap_ends_the_session_so_that_the_agent_resends(void **state)
{
	struct world *x = open_world();

	(void)state;
	welcome(x, PROTO_VERSION);
	chunk(x, 1);
	chunk(x, 3);
	assert_true(env_run_until(x->env, is_closing, x));
	env_advance(x->env, 0);
	assert_int_equal(x->lost, 1);
	close_world(x);
}

/* As a driver may hand out at once what a phone put into one packet: a megabyte of the smallest chunks. */
static void a_megabyte_of_tiny_chunks_is_stored(void **state)
{
	struct world *x = open_world();
	struct msg_chunk m = {.attempt = 5, .boot = 1, .stream = 1, .kind = STREAM_TEXT, .n = 1};
	size_t size = 1024 * 1024, n = 0;
	uint8_t *all = malloc(size);
	struct proto_w w;

	(void)state;
	welcome(x, PROTO_VERSION);
	chunk(x, 1);
	m.payload = (const uint8_t *)"x";
	m.len = 1;
	for (m.seq = 2; n + PROTO_HEADER + 64 <= size; m.seq++) {
		proto_w_init(&w, all + n + PROTO_HEADER, 64);
		msg_chunk_put(&w, &m);
		proto_header_put(all + n, PROTO_CHUNK, w.p, w.len);
		n += PROTO_HEADER + w.len;
	}
	assert_true(m.seq > 3 * STORE_BATCH_CHUNKS);
	say_raw(x, all, n);
	free(all);
	assert_true(x->wire.paused);
	end(x, m.seq - 1);
	assert_true(env_run_until(x->env, is_stored, x));
	assert_false(x->wire.paused);
	assert_int_equal(x->lost, 0);
	close_world(x);
}

static void data_of_an_attempt_nobody_knows_is_not_stored(void **state)
{
	struct world *x = open_world();
	struct ingest_stats st;

	(void)state;
	x->knows = false;
	welcome(x, PROTO_VERSION);
	chunk(x, 1);
	end(x, 1);
	env_run_posts(x->env);
	ingest_get_stats(x->ingest, &st);
	assert_int_equal(st.chunks, 0);
	assert_int_equal(x->ended, 0);
	close_world(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_agent_is_welcomed),
		cmocka_unit_test(garbage_ends_the_handshake),
		cmocka_unit_test(another_version_is_refused_by_name),
		cmocka_unit_test(silence_ends_the_handshake),
		cmocka_unit_test(another_controllers_agent_says_so),
		cmocka_unit_test(malformed_messages_end_the_session),
		cmocka_unit_test(an_agent_that_falls_silent_is_lost),
		cmocka_unit_test(one_that_answers_is_kept),
		cmocka_unit_test(silence_means_nothing_while_we_do_not_listen),
		cmocka_unit_test(a_frame_of_a_later_version_is_passed_over),
		cmocka_unit_test(start_is_taken_when_the_agent_speaks_of_the_attempt),
		cmocka_unit_test(a_refused_start_has_its_cause),
		cmocka_unit_test(an_attempt_is_whole_when_its_last_chunk_is_on_the_disk),
		cmocka_unit_test(after_a_restart_the_store_knows_what_is_whole),
		cmocka_unit_test(what_the_disk_does_not_take_is_acknowledged_only_when_it_does),
		cmocka_unit_test(a_gap_ends_the_session_so_that_the_agent_resends),
		cmocka_unit_test(a_megabyte_of_tiny_chunks_is_stored),
		cmocka_unit_test(data_of_an_attempt_nobody_knows_is_not_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
