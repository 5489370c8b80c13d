/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual phone: boot, life and end; see phone.h. */
#include "drivers/virtual/phone.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/banner.h"
#include "drivers/adb/link.h"
#include "drivers/adb/syncmsg.h"
#include "drivers/driver.h"
#include "drivers/virtual/body.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/quirk.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"
#include "drivers/virtual/tree.h"

#define STOP_LOOK_MS 5 /* while streams of closed sessions still end */

enum phone_state {
	PHONE_OFF,       /* before the first boot, and while it waits for the next */
	PHONE_PREPARING, /* its files are being written */
	PHONE_STARTING,  /* its first process is being started */
	PHONE_UP,
	PHONE_FALLING, /* its processes are being ended */
	PHONE_STOPPED,
};

struct phone {
	struct driver_host *h;
	struct phone_config cfg;
	const struct phone_events *events;
	void *arg;
	char serial[LIMIT_NAME], dir[DRIVER_PATH_MAX];

	enum phone_state state;
	struct space *space;
	bool space_up;
	int root; /* a copy: work on the pool may outlive the space */
	struct body body;
	bool busy; /* with body or files, on the pool */
	int64_t step_ms;
	bool powered;
	int prepare_rc;
	char prepare_what[128];

	struct session *sessions[PHONE_SESSIONS];
	int n_sessions, n_services;
	struct adb_key *learned[PHONE_KEYS];
	int n_learned;
	bool allow, vanished, was_connected;

	struct host_timer *tick, *boot_timer, *habit, *back;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static void boot_now(void *arg);
static void fall(struct phone *p);

/* ---- timers ---- */

static void set_timer(struct phone *p, struct host_timer **t, int64_t ms, void (*fn)(void *arg))
{
	if (*t)
		p->h->timer_del(p->h, *t);
	*t = p->h->timer_add(p->h, p->h->now_ms(p->h) + ms, fn, p);
}

static void clear_timer(struct phone *p, struct host_timer **t)
{
	if (*t)
		p->h->timer_del(p->h, *t);
	*t = NULL;
}

/* ---- the body ---- */

static void body_work(void *arg)
{
	struct phone *p = arg;

	body_step(&p->body, p->root, p->step_ms);
}

static void tick(void *arg);

static void body_done(void *arg)
{
	struct phone *p = arg;

	p->busy = false;
	if (p->state == PHONE_UP)
		set_timer(p, &p->tick, PHONE_TICK_MS, tick);
}

static void tick(void *arg)
{
	struct phone *p = arg;

	p->tick = NULL;
	if (p->state != PHONE_UP || p->busy)
		return;
	p->step_ms = p->h->now_ms(p->h);
	p->body.powered = p->powered;
	p->busy = !p->h->blocking(p->h, body_work, body_done, p);
	if (!p->busy)
		set_timer(p, &p->tick, PHONE_TICK_MS, tick);
}

/* ---- sessions ---- */

static void drop_sessions(struct phone *p)
{
	while (p->n_sessions)
		session_free(p->sessions[--p->n_sessions]);
}

static void session_gone(void *arg, struct session *s)
{
	struct phone *p = arg;

	for (int i = 0; i < p->n_sessions; i++) {
		if (p->sessions[i] != s)
			continue;
		p->sessions[i] = p->sessions[--p->n_sessions];
		session_free(s);
		return;
	}
}

bool phone_attach(struct phone *p, struct adb_link *l)
{
	if (p->state != PHONE_UP || p->vanished || p->n_sessions == PHONE_SESSIONS) {
		l->ops->close(l);
		return false;
	}
	p->sessions[p->n_sessions++] = session_new(p, l, session_gone, p);
	return true;
}

/* ---- boot ---- */

static void fail(struct phone *p, const char *text)
{
	p->state = PHONE_STOPPED;
	p->events->failed(p->arg, text);
}

static void space_ready(void *arg)
{
	struct phone *p = arg;

	if (p->state != PHONE_STARTING)
		return;
	p->state = PHONE_UP;
	p->space_up = true;
	p->root = fcntl(space_root(p->space), F_DUPFD_CLOEXEC, 3);
	p->body.last_ms = p->h->now_ms(p->h);
	p->body.last_cpu_ms = 0;
	tick(p);
	p->events->up(p->arg);
}

static void space_reboot(void *arg)
{
	phone_reboot(arg);
}

static void space_ended(void *arg, const char *text)
{
	struct phone *p = arg;
	bool was_up = p->state == PHONE_UP;

	p->space = NULL;
	p->space_up = false;
	if (p->state == PHONE_STARTING) {
		fail(p, text);
		return;
	}
	if (was_up) /* it crashed */
		fall(p);
	if (p->state == PHONE_FALLING) {
		p->state = PHONE_OFF;
		if (!p->stopped)
			set_timer(p, &p->boot_timer, p->cfg.profile->boot_ms, boot_now);
	}
}

static const struct space_events space_events = {
	.ready = space_ready, .reboot = space_reboot, .ended = space_ended};

static void start_space(struct phone *p)
{
	struct space_config cfg = {
		.dir = p->dir, .name = p->cfg.profile->device, .arm64 = p->cfg.arm64};
	struct err e = {0};

	p->state = PHONE_STARTING;
	p->space = space_new(p->h, &cfg, &space_events, p, &e);
	if (!p->space)
		fail(p, e.text);
}

static void prepare_work(void *arg)
{
	struct phone *p = arg;
	struct tree_phone t = {.profile = p->cfg.profile,
		.serial = p->serial,
		.clock = p->cfg.clock,
		.arm64 = p->cfg.arm64,
		.auth = p->cfg.auth};

	p->prepare_rc = body_prepare(&p->body, &t, p->prepare_what, sizeof(p->prepare_what));
}

static void prepare_done(void *arg)
{
	struct phone *p = arg;
	char text[LIMIT_CAUSE];

	p->busy = false;
	if (p->stopped || p->state != PHONE_PREPARING)
		return;
	if (p->prepare_rc) {
		snprintf(text, sizeof(text), "cannot make the phone's %s: %s", p->prepare_what,
			strerror(p->prepare_rc));
		fail(p, text);
		return;
	}
	start_space(p);
}

static void boot_now(void *arg)
{
	struct phone *p = arg;

	p->boot_timer = NULL;
	if (p->stopped || p->state != PHONE_OFF)
		return;
	if (p->root >= 0 && !p->busy) {
		close(p->root);
		p->root = -1;
	}
	if (p->busy || p->h->blocking(p->h, prepare_work, prepare_done, p)) {
		set_timer(p, &p->boot_timer, PHONE_TICK_MS, boot_now);
		return;
	}
	p->busy = true;
	p->state = PHONE_PREPARING;
}

void phone_boot(struct phone *p)
{
	boot_now(p);
}

/* ---- habits ---- */

/* Processes and connections end; what follows is up to space_ended(). */
static void fall(struct phone *p)
{
	if (p->state != PHONE_UP)
		return;
	p->state = PHONE_FALLING;
	clear_timer(p, &p->tick);
	drop_sessions(p);
	p->space_up = false;
	p->events->down(p->arg);
	if (p->space)
		space_end(p->space);
}

static void fall_now(void *arg)
{
	struct phone *p = arg;

	p->habit = NULL;
	fall(p);
}

/* Later in any case: a service or the phone itself may have asked from inside a call. */
void phone_reboot(struct phone *p)
{
	set_timer(p, &p->habit, 0, fall_now);
}

static void restart_now(struct phone *p, bool children)
{
	drop_sessions(p);
	if (children && p->space_up)
		space_signal_all(p->space, SIGKILL);
}

static void restart_alone(void *arg)
{
	struct phone *p = arg;

	p->habit = NULL;
	restart_now(p, false);
}

static void restart_with_children(void *arg)
{
	struct phone *p = arg;

	p->habit = NULL;
	restart_now(p, true);
}

void phone_restart_adbd(struct phone *p, bool children)
{
	set_timer(p, &p->habit, 0, children ? restart_with_children : restart_alone);
}

static void reappear(void *arg)
{
	struct phone *p = arg;

	p->back = NULL;
	p->vanished = false;
	if (p->state == PHONE_UP)
		p->events->up(p->arg);
}

void phone_vanish(struct phone *p, int64_t ms)
{
	if (p->state != PHONE_UP || p->vanished)
		return;
	p->vanished = true;
	drop_sessions(p);
	p->events->down(p->arg);
	set_timer(p, &p->back, ms, reappear);
}

static void vanish_now(void *arg)
{
	struct phone *p = arg;
	const struct quirks *q = p->cfg.quirks;

	p->habit = NULL;
	phone_vanish(p, q->on[QUIRK_VANISH_FOR] ? q->value[QUIRK_VANISH_FOR]
						: quirk_rows[QUIRK_VANISH_FOR].fallback);
}

void phone_connected(struct phone *p)
{
	static const struct {
		enum quirk which;
		void (*fn)(void *arg);
	} habits[] = {{QUIRK_REBOOT_AFTER, fall_now}, {QUIRK_RESTART_AFTER, restart_with_children},
		{QUIRK_VANISH_AFTER, vanish_now}};

	if (p->was_connected)
		return;
	p->was_connected = true;
	for (int i = 0; i < 3; i++)
		if (p->cfg.quirks->on[habits[i].which])
			set_timer(
				p, &p->habit, p->cfg.quirks->value[habits[i].which], habits[i].fn);
}

void phone_set_power(struct phone *p, bool on)
{
	p->powered = on; /* from the next step on */
}

void phone_set_allow(struct phone *p, bool allow)
{
	p->allow = allow;
	for (int i = 0; i < p->n_sessions && allow; i++)
		session_allow(p->sessions[i]);
}

/* ---- keys ---- */

bool phone_knows(struct phone *p, const uint8_t token[ADB_TOKEN], const void *sig, size_t n)
{
	for (int i = 0; i < p->cfg.n_keys; i++)
		if (adb_key_verify(p->cfg.keys[i], token, sig, n))
			return true;
	for (int i = 0; i < p->n_learned; i++)
		if (adb_key_verify(p->learned[i], token, sig, n))
			return true;
	return false;
}

void phone_remember(struct phone *p, const char *key_text)
{
	struct adb_key *k = adb_key_parse(key_text, strlen(key_text));

	if (k && p->n_learned < PHONE_KEYS)
		p->learned[p->n_learned++] = k;
	else
		adb_key_free(k);
}

bool phone_allows(const struct phone *p)
{
	return p->allow && !p->cfg.quirks->on[QUIRK_SILENT_DIALOG];
}

/* ---- beginning and end ---- */

struct phone *phone_new(struct driver_host *h, const struct phone_config *cfg,
	const struct phone_events *events, void *arg)
{
	struct phone *p = mem_zalloc(sizeof(*p));

	p->h = h;
	p->cfg = *cfg;
	p->events = events;
	p->arg = arg;
	p->root = -1;
	p->allow = cfg->allow;
	str_copy(p->serial, sizeof(p->serial), cfg->serial);
	str_copy(p->dir, sizeof(p->dir), cfg->dir);
	p->powered = !cfg->quirks->on[QUIRK_DISCHARGING];
	p->body = (struct body){.dir = p->dir, .profile = cfg->profile, .powered = p->powered};
	physics_init(&p->body.physics, cfg->profile, cfg->seed);
	p->body.physics.now_ms = h->now_ms(h);
	p->body.physics.gauge_since_ms = p->body.physics.now_ms;
	p->body.physics.next_gauge_ms = p->body.physics.now_ms;
	return p;
}

static bool is_quiet(const struct phone *p)
{
	return !p->space && !p->busy && !p->n_services;
}

static void look(void *arg)
{
	struct phone *p = arg;

	p->tick = NULL;
	if (is_quiet(p))
		p->stopped(p->stopped_arg);
	else
		set_timer(p, &p->tick, STOP_LOOK_MS, look);
}

void phone_stop(struct phone *p, void (*stopped)(void *arg), void *arg)
{
	struct host_timer **all[] = {&p->tick, &p->boot_timer, &p->habit, &p->back};

	p->stopped = stopped;
	p->stopped_arg = arg;
	for (int i = 0; i < 4; i++)
		clear_timer(p, all[i]);
	drop_sessions(p);
	if (p->space)
		space_end(p->space);
	p->space_up = false;
	p->state = PHONE_FALLING;
	set_timer(p, &p->tick, 0, look);
}

void phone_free(struct phone *p)
{
	char root[DRIVER_PATH_MAX + 8];

	/* Closed while it ran; whoever owns the directory shall be able to remove it. */
	snprintf(root, sizeof(root), "%s/root", p->dir);
	chmod(root, 0755);
	if (p->root >= 0)
		close(p->root);
	for (int i = 0; i < p->n_learned; i++)
		adb_key_free(p->learned[i]);
	mem_free(p);
}

/* ---- for sessions and services ---- */

const char *phone_serial(const struct phone *p)
{
	return p->serial;
}

struct driver_host *phone_host(const struct phone *p)
{
	return p->h;
}

const struct phone_config *phone_config(const struct phone *p)
{
	return &p->cfg;
}

struct space *phone_space(const struct phone *p)
{
	return p->space_up ? p->space : NULL;
}

void phone_leave_run(struct phone *p, uint32_t run, int sig)
{
	if (!p->space)
		return;
	if (sig)
		space_signal(p->space, run, sig);
	space_forget(p->space, run);
}

int phone_root(const struct phone *p)
{
	return p->root;
}

void phone_service(struct phone *p, int change)
{
	p->n_services += change;
}

uint32_t phone_features(const struct phone *p)
{
	const struct quirks *q = p->cfg.quirks;
	uint32_t f = 0;

	if (!q->on[QUIRK_NO_FEATURES])
		for (int i = 0; i < p->cfg.profile->n_features; i++)
			f |= adb_feature_of(
				p->cfg.profile->features[i], strlen(p->cfg.profile->features[i]));
	return f | (q->on[QUIRK_DELAYED_ACK] ? ADB_F_DELAYED_ACK : 0);
}

uint32_t phone_compressions(const struct phone *p)
{
	uint32_t f = phone_features(p), kinds = 0;

	kinds |= f & ADB_F_BROTLI ? ADB_SYNC_BROTLI : 0;
	kinds |= f & ADB_F_LZ4 ? ADB_SYNC_LZ4 : 0;
	kinds |= f & ADB_F_ZSTD ? ADB_SYNC_ZSTD : 0;
	return kinds;
}
