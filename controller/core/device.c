/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's life from arrival to ready, and what happens when it goes. Until it is identified it
 * has a provisional key ("?driver:handle"); identifying finds the row of a known device, which then
 * takes over the connection.
 */
#include "core/internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/select.h"

/* ---- the object ---- */

static struct device *device_new(struct farm *f)
{
	struct device *d;
	int index = 0;

	while (index < LIMIT_DEVICES && f->by_index[index])
		index++;
	if (index == LIMIT_DEVICES)
		return NULL;
	d = mem_zalloc(sizeof(*d));
	d->index = index;
	f->by_index[index] = d;
	d->idle_mc = INT32_MAX;
	ent_init(&d->ent, &device_table, &d->row);
	timer_init(&d->timer, TIMER_DEVICE, d);
	return d;
}

static void device_index(struct farm *f, struct device *d)
{
	map_put(f->devices, d->row.id, d);
	map_put_str(f->device_keys, d->row.key, d);
}

void device_free(struct farm *f, struct device *d)
{
	assert(!d->lease);
	queue_device_unready(f, d);
	timer_clear(f, &d->timer);
	selq_device_removed(f, d);
	f->by_index[d->index] = NULL;
	map_del(f->devices, d->row.id);
	if (map_get_str(f->device_keys, d->row.key) == d)
		map_del_str(f->device_keys, d->row.key);
	row_release(&device_table, &d->row);
	mem_free(d);
}

static void add_attr(struct device *d, const char *key, const char *value)
{
	if (!*value || d->n_attrs == LIMIT_ATTRS)
		return;
	str_copy(d->attrs[d->n_attrs].key, LIMIT_NAME, key);
	str_copy(d->attrs[d->n_attrs].value, LIMIT_VALUE, value);
	d->n_attrs++;
}

/* What a selector may always name. */
static void add_own_attrs(struct device *d)
{
	char id[24];

	snprintf(id, sizeof(id), "d%lld", (long long)d->row.id);
	d->n_attrs = 0;
	add_attr(d, "id", id);
	add_attr(d, "kind", d->row.driver);
	add_attr(d, "name", d->row.name);
	add_attr(d, "model", d->row.model);
	add_attr(d, "abi", d->row.abi);
	add_attr(d, "virtual", d->row.is_virtual ? "yes" : "no");
}

static bool is_own_attr(const char *key)
{
	static const char *const own[] = {"id", "kind", "name", "model", "abi", "virtual"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(own[i], key))
			return true;
	return false;
}

struct device *device_load(struct farm *f, const struct device_row *row)
{
	struct device *d = device_new(f);
	struct json_doc *doc;

	if (!d)
		return NULL;
	d->row = *row;
	rstr_ref(d->row.attrs);
	rstr_ref(d->row.counters);
	add_own_attrs(d);
	doc = json_parse(rstr_text(row->attrs), rstr_len(row->attrs), NULL);
	if (doc) {
		JSON_FOREACH (it, json_root(doc))
			if (!is_own_attr(json_key(it)))
				add_attr(d, json_key(it), json_str(it));
		json_doc_free(doc);
	}
	device_index(f, d);
	return d;
}

bool device_usable(const struct device *d)
{
	return d->handle && d->agent_up;
}

/* ---- arrival ---- */

void device_identify(struct farm *f, struct device *d)
{
	assert(d->handle && !d->action);
	device_set_state(f, d, DEVICE_IDENTIFYING, NULL);
	d->action = action_issue(f, ACTION_IDENTIFY, d, d->lease, NULL, 0, 0, f->cfg.identify_ms);
}

static void link_up(struct farm *f, struct device *d, int64_t handle)
{
	d->handle = handle;
	map_put(f->handles, handle, d);
	d->row.link = LINK_UP;
	d->row.last_seen_ms = f->now.wall_ms;
	ent_touch(f, &d->ent);
}

static void link_down(struct farm *f, struct device *d)
{
	map_del(f->handles, d->handle);
	d->handle = 0;
	d->agent_up = false;
	d->row.link = LINK_DOWN;
	d->row.last_seen_ms = f->now.wall_ms;
	ent_touch(f, &d->ent);
}

/* One that was handed over before it was identified has nothing but its place. A restart forgets which
 * handle that was, and handles are given anew. */
void device_keep_unknown(struct farm *f, struct device *d)
{
	map_del_str(f->device_keys, d->row.key);
	snprintf(d->row.key, sizeof(d->row.key), "?%s:d%lld", d->row.driver, (long long)d->row.id);
	map_put_str(f->device_keys, d->row.key, d);
	ent_touch(f, &d->ent);
}

static struct device *handed_over_at(struct farm *f, const char *driver, const char *where)
{
	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		struct device *d = map_value(it);

		if (d->row.key[0] == '?' && *d->row.detached_by && !d->handle && !d->ent.deleted &&
			!strcmp(d->row.driver, driver) && !strcmp(d->row.place, where))
			return d;
	}
	return NULL;
}

void device_arrived(struct farm *f, const struct farm_event *ev)
{
	struct device *d = handed_over_at(f, ev->u.arrived.driver, ev->u.arrived.where);

	assert(ev->u.arrived.handle && !map_get(f->handles, ev->u.arrived.handle));
	if (d) {
		link_up(f, d, ev->u.arrived.handle);
		device_set_state(f, d, DEVICE_DETECTED, NULL);
		device_set_state(f, d, DEVICE_IDENTIFYING, NULL);
		service_detach_again(f, d);
		return;
	}
	d = device_new(f);
	if (!d)
		return; /* the farm is full: LIMIT_DEVICES */
	d->row.id = farm_new_id(f, &device_table);
	d->row.state = DEVICE_ABSENT;
	snprintf(d->row.key, sizeof(d->row.key), "?%s:%lld", ev->u.arrived.driver,
		(long long)ev->u.arrived.handle);
	str_copy(d->row.driver, sizeof(d->row.driver), ev->u.arrived.driver);
	str_copy(d->row.host_id, sizeof(d->row.host_id), f->cfg.host_id);
	str_copy(d->row.name, sizeof(d->row.name), ev->u.arrived.where);
	str_copy(d->row.place, sizeof(d->row.place), ev->u.arrived.where);
	d->row.first_seen_ms = f->now.wall_ms;
	add_own_attrs(d);
	device_index(f, d);
	link_up(f, d, ev->u.arrived.handle);
	device_set_state(f, d, DEVICE_DETECTED, NULL);
	device_identify(f, d);
}

/* The provisional device gives its connection to the known one and goes. */
static void merge_into(struct farm *f, struct device *d, struct device *known)
{
	int64_t handle = d->handle;

	map_del(f->handles, handle);
	d->handle = 0;
	device_set_state(f, d, DEVICE_ABSENT, "it is known");
	d->ent.deleted = d->ent.forget = true;
	ent_touch(f, &d->ent);
	link_up(f, known, handle);
	str_copy(known->row.place, sizeof(known->row.place), d->row.place);
	if (known->row.state == DEVICE_QUARANTINED || known->row.state == DEVICE_RETIRED)
		return; /* an operator, or the recheck, brings it back */
	if (known->row.state == DEVICE_ABSENT)
		device_set_state(f, known, DEVICE_DETECTED, NULL);
	device_set_state(f, known, DEVICE_IDENTIFYING, NULL);
}

static struct rstr *attrs_json(const struct device *d)
{
	struct json *o = json_new_object();
	struct rstr *s;
	char *text;

	for (int i = 0; i < d->n_attrs; i++)
		json_add_str(o, d->attrs[i].key, d->attrs[i].value);
	text = json_print(o, false);
	s = rstr_new(text, strlen(text));
	mem_free(text);
	json_free(o);
	return s;
}

static void take_identity(struct farm *f, struct device *d, const struct farm_identity *id)
{
	map_del_str(f->device_keys, d->row.key);
	str_copy(d->row.key, sizeof(d->row.key), id->key);
	map_put_str(f->device_keys, d->row.key, d);
	str_copy(d->row.name, sizeof(d->row.name), id->name);
	str_copy(d->row.model, sizeof(d->row.model), id->model);
	str_copy(d->row.abi, sizeof(d->row.abi), id->abi);
	str_copy(d->row.os, sizeof(d->row.os), id->os);
	str_copy(d->row.fingerprint, sizeof(d->row.fingerprint), id->fingerprint);
	d->row.caps = id->caps;
	d->row.is_virtual = id->is_virtual;
	d->can_expose = id->can_expose;
	d->can_power = id->can_power;
	d->can_reboot = id->can_reboot;
	d->can_collect = id->can_collect;
	d->can_detach = id->can_detach;
	d->can_install = id->can_install;
	d->can_provision = id->can_provision;
	add_own_attrs(d);
	for (int i = 0; i < id->n_attrs; i++)
		if (!is_own_attr(id->attrs[i].key))
			add_attr(d, id->attrs[i].key, id->attrs[i].value);
	rstr_unref(d->row.attrs);
	d->row.attrs = attrs_json(d);
	ent_touch(f, &d->ent);
	selq_device_changed(f, d);
}

static void prepare(struct farm *f, struct device *d)
{
	device_set_state(f, d, DEVICE_PREPARING, NULL);
	d->agent_up = false; /* its session is made anew */
	d->action = action_issue(f, ACTION_PREPARE, d, d->lease, NULL, 0, 0, f->cfg.prepare_ms);
}

static void identified(struct farm *f, struct device *d, const struct farm_event *ev)
{
	const struct farm_identity *id = ev->u.done.identity;
	struct device *known;

	d->twin = 0;
	if (ev->u.done.rc || !id) {
		device_fail(f, d, ev->u.done.blame_device, ev->u.done.text);
		return;
	}
	/* A driver lets a device go when another answers in its place; what is known of this one
	 * is not put down to that one in any case. */
	if (*d->row.key != '?' && strcmp(d->row.key, id->key) != 0) {
		device_fail(f, d, false, "another device answers in its place: unplug it");
		return;
	}
	known = map_get_str(f->device_keys, id->key);
	if (known && known != d && known->handle) {
		device_wait_for_twin(f, d, known);
		return;
	}
	if (known && known != d) {
		merge_into(f, d, known);
		if (known->row.state != DEVICE_IDENTIFYING)
			return;
		d = known;
	}
	take_identity(f, d, id);
	device_set_need(f, d, "");
	if (*d->row.detached_by && d->can_detach) {
		service_detach_again(f, d);
		return;
	}
	d->row.detached_by[0] = '\0';
	prepare(f, d);
}

/* ---- prepared ---- */

static void become_ready(struct farm *f, struct device *d)
{
	device_set_state(f, d, DEVICE_READY, NULL);
	if (d->quarantine_asked) { /* while it was in a state that could not take it */
		device_quarantine(f, d, d->row.need);
		return;
	}
	if (d->n_strays)
		timer_set(f, &d->timer, f->cfg.need_recheck_ms);
	queue_device_ready(f, d);
	queue_match_device(f, d);
}

void device_settle(struct farm *f, struct device *d)
{
	struct lease *l = d->lease;

	if (!l) {
		become_ready(f, d);
		return;
	}
	if (l->row.state == LEASE_RELEASING) {
		device_clean(f, d);
		return;
	}
	device_set_state(f, d, DEVICE_BUSY, NULL);
	if (l->job && !l->action) {
		const struct slot *s = &l->job->slots[l->row.slot];

		/* Between two runs, or the run waits for its agent's word. */
		for (int v = 0; v < l->job->n_variants; v++)
			if (l->job->runs[l->row.slot * l->job->n_variants + v]->attempt)
				return;
		assert(s->lease == l);
		slot_next(f, l);
	}
}

/* There is no agent for its ABI here: no rung of the ladder mends that. */
static bool lacks_a_program(const struct farm_event *ev)
{
	return !ev->u.done.blame_device &&
	       (ev->u.done.rc == ERR_UNSUPPORTED || ev->u.done.rc == ERR_NOTFOUND);
}

static struct attempt *live_attempt(const struct device *d)
{
	const struct lease *l = d->lease;

	if (!l || !l->job)
		return NULL;
	for (int v = 0; v < l->job->n_variants; v++) {
		struct attempt *a = l->job->runs[l->row.slot * l->job->n_variants + v]->attempt;

		if (a && a->row.lease == l->row.id)
			return a;
	}
	return NULL;
}

/* The floor that the agent sets, so that a restored database is not locked out. Whether a lease is held
 * by an older one: others have had the device since, so it commands nothing there any more. */
static bool raise_epoch(struct farm *f, struct device *d, int64_t epoch)
{
	struct lease *l = d->lease;

	if (epoch <= d->row.epoch)
		return false;
	d->row.epoch = epoch;
	ent_touch(f, &d->ent);
	if (!l || l->row.state == LEASE_RELEASING)
		return false;
	if (!l->row.ending)
		l->row.ending = LEASE_REVOKED;
	ent_touch(f, &l->ent);
	return true;
}

static void end_outdated(struct farm *f, struct device *d)
{
	static const char cause[] = "the device has served a newer lease";
	struct attempt *a = live_attempt(d);

	if (!d->lease)
		return;
	if (!a)
		lease_end(f, d->lease, LEASE_REVOKED, cause);
	else if (a->row.state != ATTEMPT_STORED) /* else all is there, and the judge ends it */
		attempt_fail(f, a, false, cause);
}

static void prepared(struct farm *f, struct device *d, const struct farm_event *ev)
{
	const struct farm_agent *agent = ev->u.done.agent;
	bool outdated;

	if (lacks_a_program(ev) && !d->lease) {
		device_own_need(f, d, ev->u.done.text);
		return;
	}
	if (ev->u.done.rc || !agent) {
		device_fail(f, d, ev->u.done.blame_device, ev->u.done.text);
		return;
	}
	d->agent_up = true;
	d->spared = false;
	d->n_strays = 0; /* it says anew what it has */
	str_copy(d->row.agent_uuid, sizeof(d->row.agent_uuid), agent->uuid);
	rstr_unref(d->row.counters);
	d->row.counters = rstr_ref(agent->counters);
	d->row.rung = 0;
	ent_touch(f, &d->ent);
	/* Settling first: what the agent reports may end the lease, which needs the device's
	 * state. */
	outdated = raise_epoch(f, d, agent->epoch);
	device_settle(f, d);
	if (outdated)
		end_outdated(f, d);
	for (int i = 0; i < agent->n_attempts; i++)
		attempt_reported(f, d, agent->attempts[i].attempt, agent->attempts[i].ended);
	attempt_not_reported(f, d, agent);
}

/* ---- cleaning and cooling ---- */

static void clean_on(struct farm *f, struct device *d)
{
	if (!logs_collect(f, d))
		d->action = action_issue(f, ACTION_CLEAN, d, d->lease, NULL, 0, 0, f->cfg.clean_ms);
}

void device_clean(struct farm *f, struct device *d)
{
	device_set_state(f, d, DEVICE_CLEANING, NULL);
	clean_on(f, d);
}

static bool is_cool(const struct farm *f, const struct device *d)
{
	if (!d->thermal_known)
		return true; /* nothing to observe; the run is labelled so */
	return d->idle_mc == INT32_MAX || d->hottest_mc <= d->idle_mc + f->cfg.cool_above_idle_mc;
}

static void cleaned(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (ev->u.done.rc) {
		device_fail(f, d, ev->u.done.blame_device, ev->u.done.text);
		return;
	}
	if (d->quarantine_asked) {
		device_quarantine(f, d, d->row.need);
		return;
	}
	strays_discard(f, d);
	device_set_state(f, d, DEVICE_COOLING, NULL);
	lease_finish(f, d->lease);
	if (!d->agent_up) /* lost while it was cleaned */
		device_fail(f, d, false, "its agent was lost");
	else if (is_cool(f, d))
		become_ready(f, d);
	else
		timer_set(f, &d->timer, f->cfg.cool_max_ms);
}

void device_status(struct farm *f, const struct farm_event *ev)
{
	struct device *d = map_get(f->devices, ev->u.status.device);

	if (!d || !device_usable(d))
		return;
	d->thermal_known = ev->u.status.thermal_known;
	d->hottest_mc = ev->u.status.hottest_mc;
	if (d->thermal_known && d->row.state == DEVICE_READY && d->hottest_mc < d->idle_mc)
		d->idle_mc = d->hottest_mc;
	if (d->row.state == DEVICE_COOLING && is_cool(f, d))
		become_ready(f, d);
}

/* ---- completions, deadlines ---- */

void device_action_done(
	struct farm *f, struct device *d, enum action_kind kind, const struct farm_event *ev)
{
	if (ev->u.done.rc == ERR_GONE && !d->handle)
		return; /* it went; device_gone() has seen to it */
	switch (kind) {
	case ACTION_IDENTIFY:
		identified(f, d, ev);
		break;
	case ACTION_PREPARE:
		prepared(f, d, ev);
		break;
	case ACTION_CLEAN:
		cleaned(f, d, ev);
		break;
	case ACTION_RECOVER:
		device_recovered(f, d);
		break;
	case ACTION_COLLECT: /* whatever came of it */
		clean_on(f, d);
		break;
	default:
		service_done(f, d, kind, ev);
	}
}

void device_timeout(struct farm *f, struct device *d)
{
	switch (d->row.state) {
	case DEVICE_COOLING:
		become_ready(f, d);
		break;
	case DEVICE_READY:
		strays_discard(f, d);
		break;
	case DEVICE_RECOVERING:
		device_recover_step(f, d);
		break;
	case DEVICE_NEEDS_HUMAN: /* what the core itself found is looked at again */
		device_identify(f, d);
		break;
	case DEVICE_QUARANTINED: /* the health check: one more failure and it is back */
		if (!d->handle) {
			timer_set(f, &d->timer, f->cfg.quarantine_recheck_ms);
			break;
		}
		d->row.failures = f->cfg.max_failures - 1;
		d->row.rung = 0;
		device_identify(f, d);
		break;
	default:
		assert(!"no state with a deadline");
	}
}

/* ---- going ---- */

/* With a live lease a device that is away stays busy: only its link changes. Otherwise it is
 * absent; a lease that is releasing then waits for the device to come back and be cleaned. */
static void went_away(struct farm *f, struct device *d, const char *why)
{
	struct attempt *a = live_attempt(d);
	struct lease *l = d->lease;
	bool held = l && l->row.state != LEASE_RELEASING;

	if (held && !l->job)
		return; /* a reservation: the engineer may have unplugged it */
	if (held && a) {
		attempt_detached(f, a, why);
		return;
	}
	if (held)
		lease_end(f, l, LEASE_REVOKED, why);
}

void device_gone(struct farm *f, const struct farm_event *ev)
{
	struct device *d = map_get(f->handles, ev->u.gone.handle);
	int64_t action;

	if (!d)
		return;
	action = d->action;
	d->action = 0;
	if (action)
		action_cancel(f, action);
	link_down(f, d);
	d->twin = 0;
	d->later_need[0] = '\0';
	device_twin_gone(f, d);
	if (d->row.key[0] == '?') {
		device_set_state(f, d, DEVICE_ABSENT, ev->u.gone.text);
		d->ent.deleted = d->ent.forget = true;
		ent_touch(f, &d->ent);
		return;
	}
	went_away(f, d, ev->u.gone.text);
	if (d->row.state == DEVICE_QUARANTINED || d->row.state == DEVICE_RETIRED ||
		d->row.state == DEVICE_ABSENT)
		return;
	if (!d->lease || d->lease->row.state == LEASE_RELEASING)
		device_set_state(f, d, DEVICE_ABSENT, ev->u.gone.text);
	else if (d->row.state != DEVICE_BUSY && d->row.state != DEVICE_LEASED)
		device_set_state(f, d, DEVICE_ABSENT, ev->u.gone.text);
}

void device_agent_lost(struct farm *f, const struct farm_event *ev)
{
	struct device *d = map_get(f->devices, ev->u.agent_lost.device);

	if (!d || !d->agent_up)
		return;
	d->agent_up = false;
	went_away(f, d, ev->u.agent_lost.text);
	if (d->action)
		return; /* cleaning: its completion or deadline decides */
	if (d->row.state == DEVICE_READY || d->row.state == DEVICE_COOLING ||
		d->row.state == DEVICE_BUSY || d->row.state == DEVICE_LEASED)
		device_fail(f, d, false, ev->u.agent_lost.text);
}

/* ---- operators ---- */

static void retire(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (d->row.key[0] == '?') {
		farm_answer(f, ev, ERR_WRONGSTATE, d->row.id,
			"d%lld was never identified: there is nothing to retire; unplug it",
			(long long)d->row.id);
		return;
	}
	if (d->lease || !farm_device_may(d->row.state, DEVICE_RETIRED)) {
		farm_answer(f, ev, ERR_WRONGSTATE, d->row.id,
			"d%lld is %s; wait until it is free, or quarantine it first",
			(long long)d->row.id, device_state_name(d->row.state));
		return;
	}
	if (d->action) {
		action_cancel(f, d->action);
		d->action = 0;
	}
	device_set_state(f, d, DEVICE_RETIRED, ev->u.admin.reason);
	selq_device_changed(f, d);
	attempt_forget_device(f, d);
	farm_answer(f, ev, 0, d->row.id, "retired");
}

static void quarantine(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (d->row.state == DEVICE_RETIRED) {
		farm_answer(f, ev, ERR_WRONGSTATE, d->row.id, "d%lld is retired for good",
			(long long)d->row.id);
		return;
	}
	if (d->row.state == DEVICE_SERVICE || *d->row.detached_by) {
		farm_answer(f, ev, ERR_WRONGSTATE, d->row.id,
			"d%lld is %s: nothing runs on it now; try again when that is over",
			(long long)d->row.id, *d->row.detached_by ? "detached" : "being serviced");
		return;
	}
	device_quarantine(f, d, ev->u.admin.reason);
	farm_answer(f, ev, 0, d->row.id, "quarantined");
}

static void release(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (d->row.state != DEVICE_QUARANTINED) {
		farm_answer(f, ev, ERR_WRONGSTATE, d->row.id, "d%lld is %s, not quarantined",
			(long long)d->row.id, device_state_name(d->row.state));
		return;
	}
	d->row.failures = d->row.rung = 0;
	device_set_need(f, d, "");
	if (d->handle)
		device_identify(f, d);
	else
		device_set_state(f, d, DEVICE_ABSENT, "released from quarantine");
	farm_answer(f, ev, 0, d->row.id, "released from quarantine");
}

void device_admin(struct farm *f, const struct farm_event *ev)
{
	static const char *const names[FARM_ADMIN_END] = {NULL, "quarantine", "release", "retire",
		"detach", "attach", "install", "provision"};
	struct device *d = map_get(f->devices, ev->u.admin.device);
	char what[LIMIT_NAME];

	if (!d) {
		farm_answer(f, ev, ERR_NOTFOUND, 0, "there is no device d%lld",
			(long long)ev->u.admin.device);
		return;
	}
	snprintf(what, sizeof(what), "device.%s", names[ev->u.admin.what]);
	farm_audit(f, ev->actor, what, 'd', d->row.id, ev->u.admin.reason);
	switch (ev->u.admin.what) {
	case FARM_ADMIN_RETIRE:
		retire(f, d, ev);
		return;
	case FARM_ADMIN_QUARANTINE:
		quarantine(f, d, ev);
		return;
	case FARM_ADMIN_RELEASE:
		release(f, d, ev);
		return;
	default:
		service_ask(f, d, ev);
	}
}
