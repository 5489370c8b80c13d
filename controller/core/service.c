/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator asks to be done to a device itself: hand it to another tool of the host and take
 * it back, install packages, hold its settings against what a farm needs. Only a free device is
 * asked; meanwhile its state is service, so that nobody is given it, and whoever asked is answered
 * when it is done. A device that is handed over needs a person until it is taken back, also over a
 * restart and another port.
 */
#include "core/internal.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

static bool is_waiting(const struct device *d)
{
	return d->row.state == DEVICE_NEEDS_HUMAN || d->row.state == DEVICE_AUTHORIZING;
}

static bool is_known(const struct device *d)
{
	return d->row.key[0] != '?';
}

static void refuse(
	struct farm *f, const struct device *d, const struct farm_event *ev, const char *what_to_do)
{
	farm_answer(f, ev, ERR_WRONGSTATE, d->row.id, "%.40s (d%lld) is %s; %s", d->row.name,
		(long long)d->row.id, device_state_name(d->row.state), what_to_do);
}

static void begin(
	struct farm *f, struct device *d, enum action_kind kind, int64_t arg, int64_t deadline_ms)
{
	d->service_from_need = is_waiting(d);
	d->service_recheck = d->timer.pos != 0;
	device_set_state(f, d, DEVICE_SERVICE, action_kind_name(kind));
	d->action = action_issue(f, kind, d, NULL, NULL, 0, arg, deadline_ms);
}

/* ---- requests ---- */

static void ask_detach(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (*d->row.detached_by) {
		farm_answer(f, ev, 0, d->row.id, "%.40s is detached already", d->row.name);
		return;
	}
	if (is_known(d) && d->handle && !d->can_detach) {
		farm_answer(f, ev, ERR_UNSUPPORTED, d->row.id,
			"%.40s cannot be handed to another tool: its driver is %s", d->row.name,
			d->row.driver);
		return;
	}
	if ((d->row.state != DEVICE_READY && !is_waiting(d)) || d->lease || d->twin) {
		refuse(f, d, ev, "only a device that is free can be detached: try again later");
		return;
	}
	str_copy(d->service_by, sizeof(d->service_by), ev->actor ? ev->actor : "somebody");
	d->agent_up = false; /* its session ends first */
	begin(f, d, ACTION_DETACH, 0, f->cfg.detach_ms);
	action_owe(f, d->action, ev);
}

static void ask_attach(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (!*d->row.detached_by) {
		refuse(f, d, ev, "it is not detached");
		return;
	}
	if (!d->handle) {
		d->row.detached_by[0] = '\0';
		device_set_need(f, d, "");
		farm_answer(f, ev, 0, d->row.id, "%.40s is taken as soon as it is connected",
			d->row.name);
		if (!is_known(d)) /* then it is new */
			d->ent.deleted = d->ent.forget = true;
		return;
	}
	if (!is_waiting(d)) {
		refuse(f, d, ev, "try again in a moment");
		return;
	}
	begin(f, d, ACTION_ATTACH, 0, f->cfg.detach_ms);
	action_owe(f, d->action, ev);
}

static bool is_free(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (d->row.state == DEVICE_READY)
		return true;
	if (*d->row.detached_by)
		refuse(f, d, ev, "it is detached: attach it first");
	else
		refuse(f, d, ev, "this is done while it is ready: try again later");
	return false;
}

static void ask_install(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (!is_free(f, d, ev))
		return;
	if (!d->can_install) {
		farm_answer(f, ev, ERR_UNSUPPORTED, d->row.id,
			"%.40s takes no application packages: its driver is %s", d->row.name,
			d->row.driver);
		return;
	}
	begin(f, d, ACTION_INSTALL, 0, f->cfg.install_ms);
	action_owe(f, d->action, ev);
}

static void ask_provision(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (!is_free(f, d, ev))
		return;
	if (!d->can_provision) {
		farm_answer(f, ev, ERR_UNSUPPORTED, d->row.id,
			"%.40s has no settings that the farm cares for: its driver is %s",
			d->row.name, d->row.driver);
		return;
	}
	begin(f, d, ACTION_PROVISION, ev->u.admin.provision, f->cfg.provision_ms);
	action_owe(f, d->action, ev);
}

void service_ask(struct farm *f, struct device *d, const struct farm_event *ev)
{
	switch (ev->u.admin.what) {
	case FARM_ADMIN_DETACH:
		ask_detach(f, d, ev);
		break;
	case FARM_ADMIN_ATTACH:
		ask_attach(f, d, ev);
		break;
	case FARM_ADMIN_INSTALL:
		ask_install(f, d, ev);
		break;
	case FARM_ADMIN_PROVISION:
		ask_provision(f, d, ev);
		break;
	default:
		assert(!"no request for service");
	}
}

/* ---- what came of it ---- */

static void be_detached(struct farm *f, struct device *d, const char *but)
{
	char text[LIMIT_CAUSE], id[24];

	/* A command to copy: one that was never identified is called by where it is, in two words. */
	snprintf(id, sizeof(id), "d%lld", (long long)d->row.id);
	snprintf(text, sizeof(text),
		"detached by %.40s%s%.90s; `framefarm device attach %.40s` takes it back",
		d->row.detached_by, *but ? ", but " : "", but,
		str_is_name(d->row.name) ? d->row.name : id);
	device_set_need(f, d, text);
	device_set_state(f, d, DEVICE_NEEDS_HUMAN, text);
}

/* A known device that was detached has come back: it was claimed to be identified, and is handed
 * over again. */
void service_detach_again(struct farm *f, struct device *d)
{
	str_copy(d->service_by, sizeof(d->service_by), d->row.detached_by);
	begin(f, d, ACTION_DETACH, 0, f->cfg.detach_ms);
}

/* Without an answer it may have been let go: attaching it makes that known again. */
static void detached(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (!ev->u.done.rc || ev->u.done.rc == ERR_TIMEOUT || *d->row.detached_by) {
		str_copy(d->row.detached_by, sizeof(d->row.detached_by), d->service_by);
		be_detached(f, d, ev->u.done.rc ? ev->u.done.text : "");
	} else if (d->service_from_need) {
		device_set_state(f, d, DEVICE_NEEDS_HUMAN, ev->u.done.text);
		if (d->service_recheck)
			timer_set(f, &d->timer, f->cfg.need_recheck_ms);
	} else {
		device_identify(f, d); /* its session was ended */
	}
}

static void attached(struct farm *f, struct device *d, const struct farm_event *ev)
{
	if (ev->u.done.rc) {
		be_detached(f, d, ev->u.done.text);
		return;
	}
	d->row.detached_by[0] = '\0';
	device_set_need(f, d, "");
	device_identify(f, d);
}

void service_done(
	struct farm *f, struct device *d, enum action_kind kind, const struct farm_event *ev)
{
	if (kind == ACTION_DETACH)
		detached(f, d, ev);
	else if (kind == ACTION_ATTACH)
		attached(f, d, ev);
	else if (ev->u.done.rc && ev->u.done.blame_device)
		device_fail(f, d, true, ev->u.done.text);
	else if (!d->agent_up) /* lost meanwhile */
		device_fail(f, d, false, "its agent was lost");
	else
		device_settle(f, d);
}
