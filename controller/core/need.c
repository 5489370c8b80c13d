/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that need a person. Most needs come from drivers, which also say when they are over; a
 * driver's need that meets a state that cannot take it (a lease is on the device, say) waits for
 * one that can. Two the core finds itself: that another connected device has the same identity,
 * which is over when that one goes, and what only a new look can tell.
 */
#include "core/internal.h"

#include <stdio.h>

#include "base/map.h"
#include "base/str.h"

void device_set_need(struct farm *f, struct device *d, const char *text)
{
	str_copy(d->row.need, sizeof(d->row.need), text);
	ent_touch(f, &d->ent);
}

static void drop_action(struct farm *f, struct device *d)
{
	int64_t action = d->action;

	d->action = 0;
	if (action)
		action_cancel(f, action);
}

static bool is_waiting(const struct device *d)
{
	return d->row.state == DEVICE_NEEDS_HUMAN || d->row.state == DEVICE_AUTHORIZING;
}

/* ---- a driver's ---- */

bool device_take_need(struct farm *f, struct device *d)
{
	enum device_state to = d->later_may_pass ? DEVICE_AUTHORIZING : DEVICE_NEEDS_HUMAN;

	if (!d->later_need[0] || !farm_device_may(d->row.state, to))
		return false;
	drop_action(f, d);
	device_set_need(f, d, d->later_need);
	d->later_need[0] = '\0';
	d->twin = 0;
	device_set_state(f, d, to, d->row.need);
	return true;
}

static bool action_is(const struct farm *f, const struct device *d, enum action_kind kind)
{
	const struct action *a = d->action ? map_get(f->actions, d->action) : NULL;

	return a && a->row.kind == kind;
}

static void need_over(struct farm *f, struct device *d)
{
	d->later_need[0] = '\0';
	if (!is_waiting(d) || d->twin)
		return;
	device_set_need(f, d, "");
	device_identify(f, d);
}

void device_needs_human(struct farm *f, const struct farm_event *ev)
{
	struct device *d = map_get(f->handles, ev->u.needs_human.handle);

	if (!d || d->row.state == DEVICE_QUARANTINED || d->row.state == DEVICE_RETIRED)
		return;
	if (action_is(f, d, ACTION_ATTACH) && *ev->u.needs_human.text) {
		d->row.detached_by[0] = '\0'; /* the driver has it again, and what it lacks */
		ent_touch(f, &d->ent);
	}
	if (*d->row.detached_by || action_is(f, d, ACTION_DETACH))
		return; /* another tool's affair, until it is taken back */
	if (!*ev->u.needs_human.text) {
		need_over(f, d);
		return;
	}
	str_copy(d->later_need, sizeof(d->later_need), ev->u.needs_human.text);
	d->later_may_pass = ev->u.needs_human.authorizing;
	if (device_take_need(f, d))
		return;
	/* The state stays, as it does where only the words are new. */
	device_set_need(f, d, ev->u.needs_human.text);
	if (is_waiting(d))
		d->later_need[0] = '\0';
}

/* ---- the core's own ---- */

void device_own_need(struct farm *f, struct device *d, const char *text)
{
	device_set_need(f, d, text);
	device_set_state(f, d, DEVICE_NEEDS_HUMAN, text);
	timer_set(f, &d->timer, f->cfg.need_recheck_ms);
}

/* A phone that re-enumerates, or that is moved to another port, may come before it is known to have
 * gone. */
void device_wait_for_twin(struct farm *f, struct device *d, const struct device *other)
{
	char text[LIMIT_CAUSE];

	snprintf(text, sizeof(text),
		"%.40s (d%lld), which is connected at %.40s, has the same identity; if they are "
		"two, disconnect one of them",
		other->row.name, (long long)other->row.id,
		*other->row.place ? other->row.place : "another place");
	d->twin = other->row.id;
	device_own_need(f, d, text);
}

void device_twin_gone(struct farm *f, const struct device *gone)
{
	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		struct device *d = map_value(it);

		if (d->twin != gone->row.id || d->row.state != DEVICE_NEEDS_HUMAN)
			continue;
		d->twin = 0;
		device_set_need(f, d, "");
		device_identify(f, d);
		return; /* the next one meets this one */
	}
}
