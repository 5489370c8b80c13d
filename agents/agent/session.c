/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's messages; see session.h. */
#include "agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/sampler.h"
#include "agent/welcome.h"
#include "timesrc.h"

static void refuse(struct agent *a, struct conn *c, uint16_t about, int64_t attempt, uint16_t code,
	const char *text)
{
	uint8_t mem[PROTO_TEXT_MAX + 16];
	struct proto_w w;

	(void)a;
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, about);
	proto_put_i64(&w, attempt);
	proto_put_u16(&w, code);
	proto_put_text(&w, text);
	log_warn("event=refused about=%u attempt=%lld code=%u why=\"%s\"", about,
		(long long)attempt, code, text);
	conn_send(c, PROTO_REFUSE, mem, w.len);
}

static void refuse_and_close(
	struct agent *a, struct conn *c, uint16_t about, uint16_t code, const char *text)
{
	refuse(a, c, about, 0, code, text);
	if (c->state != CONN_DEAD)
		conn_set_state(c, CONN_CLOSING, timesrc_mono_ns(a->ts));
}

/* ---- STATUS ---- */

static void send_status(struct agent *a, int64_t now_ns)
{
	int32_t mc = sampler_hottest(a->sampler);
	struct msg_status m = {
		.mono_ns = now_ns,
		.spool_bytes = shelf_waiting(&a->shelf),
		.hottest_mc = mc,
		.thermal_known = mc != SAMPLER_TEMP_UNKNOWN,
	};
	uint8_t mem[512];
	struct proto_w w;

	a->status_ns = now_ns;
	if (conn_queued(a->controller) > UPLINK_QUEUE)
		return; /* who does not read needs no news */
	attempt_status(&a->attempt, now_ns, &m);
	proto_w_init(&w, mem, sizeof(mem));
	msg_status_put(&w, &m);
	conn_send(a->controller, PROTO_STATUS, mem, w.len);
}

/* ---- HELLO ---- */

/* Takes the same time wherever they differ. */
static bool secrets_equal(const uint8_t *a, const uint8_t *b)
{
	volatile uint8_t differ = 0;

	for (int i = 0; i < PROTO_SECRET; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

struct hello {
	uint16_t version_min, version_max;
	const uint8_t *secret;
	uint32_t secret_len;
	char farm[EPOCH_FARM];
	int64_t epoch;
};

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

/* Returns 0 and the sentence for REFUSE untouched, or the refusal. */
static int judge_hello(const struct agent *a, const struct proto_frame *f, struct hello *ret_h,
	const char **ret_why)
{
	struct proto_r r;

	proto_r_init(&r, f->payload, f->len);
	ret_h->version_min = proto_get_u16(&r);
	ret_h->version_max = proto_get_u16(&r);
	ret_h->secret = proto_get_bytes(&r, &ret_h->secret_len);
	proto_get_text(&r, ret_h->farm, sizeof(ret_h->farm));
	ret_h->epoch = proto_get_i64(&r);
	*ret_why = "HELLO cannot be understood";
	if (r.bad || ret_h->epoch < 0 || !epochs_farm_is_valid(ret_h->farm))
		return PROTO_REFUSE_FRAME;
	*ret_why = "the secret is not this agent's";
	if (ret_h->secret_len != PROTO_SECRET || !secrets_equal(ret_h->secret, a->secret))
		return PROTO_REFUSE_SECRET;
	*ret_why = "this agent speaks versions " TEXT(PROTO_VERSION_MIN) " to " TEXT(
		PROTO_VERSION) " of the protocol";
	if (ret_h->version_min > PROTO_VERSION || ret_h->version_max < PROTO_VERSION_MIN)
		return PROTO_REFUSE_VERSION;
	return 0;
}

static void become_controller(
	struct agent *a, struct conn *c, const struct hello *h, int64_t now_ns)
{
	if (a->controller) {
		log_info("event=controller-replaced");
		conn_close(a->controller);
	}
	conn_set_state(c, CONN_READY, now_ns);
	memcpy(c->farm, h->farm, sizeof(c->farm));
	a->controller = c;
	uplink_reset(&a->uplink);
}

static void on_hello(struct agent *a, struct conn *c, const struct proto_frame *f)
{
	int64_t now_ns = timesrc_mono_ns(a->ts);
	struct hello h;
	const char *why;
	int code = judge_hello(a, f, &h, &why);

	if (code) {
		refuse_and_close(a, c, PROTO_HELLO, code, why);
		return;
	}
	if (epochs_raise(&a->epochs, h.farm, h.epoch))
		log_err("event=epoch-not-saved farm=%s epoch=%lld", h.farm, (long long)h.epoch);
	if (c->state == CONN_GREETING)
		become_controller(a, c, &h, now_ns);
	log_info("event=controller farm=%s epoch=%lld", h.farm, (long long)h.epoch);
	c->version = h.version_max < PROTO_VERSION ? h.version_max : PROTO_VERSION;
	welcome_send(a, c, c->version);
	sampler_sweep(a->sampler, true, NULL, NULL);
	if (c->state == CONN_READY)
		send_status(a, now_ns);
}

/* ---- commands ---- */

/* Whether a command of this epoch may be obeyed. A newer epoch than any before is kept on disk
 * first, and ends what runs under an older one: the device is somebody else's now. */
static bool fence(struct agent *a, struct conn *c, uint16_t about, int64_t attempt, int64_t epoch)
{
	const struct attempt *at = &a->attempt;

	if (epoch < epochs_floor(&a->epochs, c->farm) || epoch <= 0) {
		refuse(a, c, about, attempt, PROTO_REFUSE_EPOCH,
			"its epoch is older than one that was seen: a newer lease was given");
		return false;
	}
	if (epochs_raise(&a->epochs, c->farm, epoch)) {
		refuse(a, c, about, attempt, PROTO_REFUSE_SPACE, "the epoch cannot be saved");
		return false;
	}
	if (attempt_is_live(at) && (at->epoch != epoch || strcmp(at->farm, c->farm)))
		attempt_abort(&a->attempt, OUTCOME_LEASE, "a newer lease took the device", true);
	return true;
}

static void set_lease(struct agent *a, const struct conn *c, int64_t epoch, int64_t ttl_ns)
{
	memcpy(a->lease.farm, c->farm, sizeof(a->lease.farm));
	a->lease.epoch = epoch;
	a->lease.until_boot_ns = timesrc_boot_ns(a->ts) + ttl_ns;
}

static bool on_lease(struct agent *a, struct conn *c, struct proto_r *r)
{
	int64_t epoch = proto_get_i64(r);
	uint32_t ttl_ms = proto_get_u32(r);

	if (r->bad)
		return false;
	if (fence(a, c, PROTO_LEASE, 0, epoch))
		set_lease(a, c, epoch, ttl_ms * INT64_C(1000000));
	return true;
}

static bool on_start(struct agent *a, struct conn *c, struct proto_r *r)
{
	struct attempt_order o = {.farm = c->farm};
	char why[256];
	int code;

	o.epoch = proto_get_i64(r);
	o.attempt = proto_get_i64(r);
	o.plan = proto_get_bytes(r, &o.plan_len);
	if (r->bad)
		return false;
	if (!fence(a, c, PROTO_START, o.attempt, o.epoch))
		return true;
	if (shelf_find(&a->shelf, o.attempt) && a->attempt.id != o.attempt) {
		uplink_repeat_end(&a->uplink, o.attempt); /* a replayed START: it is over already */
		return true;
	}
	if (a->lease.epoch != o.epoch || strcmp(a->lease.farm, c->farm))
		set_lease(a, c, o.epoch, AGENT_LEASE_NS);
	code = attempt_start(&a->attempt, &o, why, sizeof(why));
	if (code)
		refuse(a, c, PROTO_START, o.attempt, code, why);
	else
		send_status(a, timesrc_mono_ns(a->ts));
	return true;
}

static bool on_stop(struct agent *a, struct conn *c, struct proto_r *r)
{
	int64_t epoch = proto_get_i64(r), attempt = proto_get_i64(r);
	char reason[160], cause[200];

	proto_get_text(r, reason, sizeof(reason));
	if (r->bad)
		return false;
	if (!fence(a, c, PROTO_STOP, attempt, epoch))
		return true;
	snprintf(cause, sizeof(cause), "stopped: %s", *reason ? reason : "no reason was given");
	if (attempt_is_live(&a->attempt) && a->attempt.id == attempt)
		attempt_abort(&a->attempt, OUTCOME_CANCELLED, cause, false);
	else
		uplink_repeat_end(&a->uplink, attempt);
	return true;
}

static bool on_ack(struct agent *a, struct conn *c, struct proto_r *r)
{
	int64_t attempt = proto_get_i64(r);
	uint32_t stream = proto_get_u32(r);
	uint64_t seq = proto_get_u64(r);

	(void)c;
	if (!r->bad)
		uplink_ack(&a->uplink, attempt, stream, seq);
	return !r->bad;
}

static bool on_discard(struct agent *a, struct conn *c, struct proto_r *r)
{
	int64_t attempt = proto_get_i64(r);

	(void)c;
	if (r->bad)
		return false;
	log_info("event=discard attempt=%lld", (long long)attempt);
	if (attempt_is_live(&a->attempt) && a->attempt.id == attempt)
		attempt_discard(&a->attempt);
	else
		shelf_discard(&a->shelf, attempt);
	uplink_forget(&a->uplink, attempt);
	return true;
}

static bool on_ping(struct agent *a, struct conn *c, struct proto_r *r)
{
	uint64_t nonce = proto_get_u64(r);
	uint8_t mem[32];
	struct proto_w w;

	if (r->bad)
		return false;
	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u64(&w, nonce);
	proto_put_i64(&w, timesrc_mono_ns(a->ts));
	proto_put_i64(&w, timesrc_boot_ns(a->ts));
	proto_put_i64(&w, timesrc_wall_ns(a->ts));
	conn_send(c, PROTO_PONG, mem, w.len);
	return true;
}

static bool on_quit(struct agent *a, struct conn *c, struct proto_r *r)
{
	int64_t epoch = proto_get_i64(r);

	if (r->bad)
		return false;
	if (!fence(a, c, PROTO_QUIT, 0, epoch))
		return true;
	if (attempt_is_live(&a->attempt))
		refuse(a, c, PROTO_QUIT, a->attempt.id, PROTO_REFUSE_BUSY, "an attempt runs");
	else
		a->ending = true;
	return true;
}

/* A handler returns false for a payload that cannot be understood. */
static const struct {
	uint16_t type;
	bool (*fn)(struct agent *a, struct conn *c, struct proto_r *r);
} handlers[] = {
	{PROTO_LEASE, on_lease},
	{PROTO_START, on_start},
	{PROTO_STOP, on_stop},
	{PROTO_ACK, on_ack},
	{PROTO_DISCARD, on_discard},
	{PROTO_PING, on_ping},
	{PROTO_QUIT, on_quit},
};

static void take_frame(struct agent *a, struct conn *c, const struct proto_frame *f)
{
	struct proto_r r;

	proto_r_init(&r, f->payload, f->len);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type != f->type)
			continue;
		if (!handlers[i].fn(a, c, &r))
			refuse(a, c, f->type, 0, PROTO_REFUSE_FRAME, "its fields cannot be read");
		return;
	}
	refuse(a, c, f->type, 0, PROTO_REFUSE_FRAME, "this agent does not know this message");
}

void session_take(struct agent *a, struct conn *c)
{
	struct proto_frame f;
	int rc;

	while ((rc = conn_next(c, &f)) > 0) {
		if (f.type == PROTO_HELLO)
			on_hello(a, c, &f);
		else if (c->state == CONN_GREETING)
			refuse_and_close(a, c, f.type, PROTO_REFUSE_SECRET, "HELLO comes first");
		else
			take_frame(a, c, &f);
	}
	if (rc < 0)
		refuse_and_close(a, c, 0, PROTO_REFUSE_FRAME, "this is not the agent's protocol");
}

/* ---- time ---- */

static void check_lease(struct agent *a)
{
	if (attempt_is_live(&a->attempt) && !a->attempt.condemned &&
		timesrc_boot_ns(a->ts) >= a->lease.until_boot_ns)
		attempt_abort(&a->attempt, OUTCOME_LEASE,
			"the lease ran out; the controller did not renew it", true);
}

static int64_t status_period(const struct agent *a)
{
	return attempt_is_live(&a->attempt) ? AGENT_STATUS_NS : AGENT_IDLE_NS;
}

void session_tick(struct agent *a, int64_t now_ns)
{
	check_lease(a);
	if (!a->controller)
		return;
	if (!attempt_is_live(&a->attempt) && now_ns - a->temps_ns >= AGENT_IDLE_NS) {
		a->temps_ns = now_ns;
		sampler_sweep(a->sampler, true, NULL, NULL);
		thermal_gate_note(&a->gate, now_ns, sampler_hottest(a->sampler));
	}
	if (now_ns - a->status_ns >= status_period(a))
		send_status(a, now_ns);
	uplink_pump(&a->uplink, a->controller);
}

int64_t session_deadline(const struct agent *a)
{
	int64_t t_ns = INT64_MAX;

	/* What is awake for a sample anyway sends it; one wake of the processor less. */
	if (a->controller)
		t_ns = a->status_ns + status_period(a) + ATTEMPT_SLACK_NS;
	if (attempt_is_live(&a->attempt)) {
		int64_t left_ns = a->lease.until_boot_ns - timesrc_boot_ns(a->ts);
		int64_t lease_ns = timesrc_mono_ns(a->ts) + (left_ns > 0 ? left_ns : 0);

		if (!a->attempt.condemned && lease_ns < t_ns)
			t_ns = lease_ns;
	}
	return t_ns;
}
