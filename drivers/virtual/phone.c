/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual phone: what it is, its connections, who is let in, beginning and end; see phone.h. */
#include "drivers/virtual/phone_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/banner.h"
#include "drivers/adb/link.h"
#include "drivers/adb/syncmsg.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"

#define STOP_LOOK_MS 5 /* while streams of closed sessions still end */

/* ---- timers ---- */

void phone_set_timer(struct phone *p, struct host_timer **t, int64_t ms, void (*fn)(void *arg))
{
	if (*t)
		p->h->timer_del(p->h, *t);
	*t = p->h->timer_add(p->h, p->h->now_ms(p->h) + ms, fn, p);
}

void phone_clear_timer(struct phone *p, struct host_timer **t)
{
	if (*t)
		p->h->timer_del(p->h, *t);
	*t = NULL;
}

/* ---- sessions ---- */

void phone_drop_sessions(struct phone *p)
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

/* ---- keys ---- */

bool phone_knows(struct phone *p, const uint8_t token[ADB_TOKEN], const void *sig, size_t n)
{
	if (p->was_connected && p->n_forgotten < quirk(p->cfg.quirks, QUIRK_ASK_AGAIN)) {
		p->n_forgotten++;
		return false;
	}
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
		phone_set_timer(p, &p->tick, STOP_LOOK_MS, look);
}

void phone_stop(struct phone *p, void (*stopped)(void *arg), void *arg)
{
	struct host_timer **all[] = {&p->tick, &p->boot_timer, &p->habit, &p->back};

	p->stopped = stopped;
	p->stopped_arg = arg;
	for (int i = 0; i < 4; i++)
		phone_clear_timer(p, all[i]);
	phone_drop_sessions(p);
	if (p->space)
		space_end(p->space);
	p->space_up = false;
	p->state = PHONE_FALLING;
	phone_set_timer(p, &p->tick, 0, look);
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
	if (q->on[QUIRK_SHORT_STAT])
		f &= ~(uint32_t)(ADB_F_STAT_V2 | ADB_F_LS_V2);
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
