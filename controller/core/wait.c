/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job does when it has waited for devices: slots that no known device can take any more end, be it
 * that none matches, that the job wants more devices than there are, or that what is left is in
 * quarantine; the others wait on. All jobs that wait do this at the same moment behind a restart, so a
 * look costs what the selector's match set has, not what the farm has.
 */
#include "core/select.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"

/* What could still come for the pending slots of a job. */
struct outlook {
	uint8_t taken[LIMIT_DEVICES / 8]; /* bits of device.index: other slots' devices */
	int left;                         /* devices that match and are not taken … */
	int shut;                         /* … but have been in quarantine for too long */
	const struct device *one_shut;
};

bool device_out_of_reach(const struct farm *f, const struct device *d, int64_t for_ms)
{
	switch (d->row.state) {
	case DEVICE_ABSENT:
	case DEVICE_AUTHORIZING:
	case DEVICE_NEEDS_HUMAN:
	case DEVICE_QUARANTINED:
		return f->now.wall_ms - d->row.state_ms > for_ms;
	default:
		return false;
	}
}

static bool is_shut(const struct farm *f, const struct device *d)
{
	return d->row.state == DEVICE_QUARANTINED && device_out_of_reach(f, d, f->cfg.reattach_ms);
}

static void look_around(const struct farm *f, const struct job *j, struct outlook *o)
{
	const struct selq *q = j->want.selq;

	memset(o, 0, sizeof(*o));
	for (int s = 0; s < j->n_slots; s++) {
		const struct device *d = !j->slots[s].pending && j->slots[s].device
		                                 ? map_get(f->devices, j->slots[s].device)
		                                 : NULL;

		if (d)
			o->taken[d->index / 8] |= 1u << (d->index % 8);
	}
	for (int i = 0; i < LIMIT_DEVICES; i++) {
		uint8_t free = q->match[i / 8] & ~o->taken[i / 8];

		if (!free) {
			i |= 7;
			continue;
		}
		if (!(free >> (i % 8) & 1))
			continue;
		if (is_shut(f, f->by_index[i])) {
			o->shut++;
			o->one_shut = f->by_index[i];
		} else {
			o->left++;
		}
	}
}

/* The same for a slot that is for one device alone. */
static void look_at(const struct farm *f, const struct job *j, const struct device *d,
	const struct outlook *all, struct outlook *o)
{
	bool may = d && selq_matches(j->want.selq, d) &&
	           !(all->taken[d->index / 8] >> (d->index % 8) & 1);

	o->shut = may && is_shut(f, d);
	o->left = may && !o->shut;
	o->one_shut = d;
}

/* Quarantine ends when somebody ends it; nobody who waits for a job can know. */
static void say_shut(const struct device *d, char *cause, size_t size)
{
	snprintf(cause, size,
		"all devices that match are quarantined; %.30s (d%lld)%s%.88s; `framefarm device "
		"release d%lld` when that is mended",
		d->row.name, (long long)d->row.id, d->row.need[0] ? ": " : "", d->row.need,
		(long long)d->row.id);
}

static void say_lost(const struct farm *f, const struct device *d, char *cause, size_t size)
{
	snprintf(cause, size, "%.40s (d%lld) has been %s for more than %lld s", d->row.name,
		(long long)d->row.id, device_state_name(d->row.state),
		(long long)(f->cfg.reattach_ms / 1000));
}

static void give_up_slot(
	struct farm *f, struct job *j, int slot, enum failure why, const char *cause)
{
	for (int v = 0; v < j->n_variants; v++) {
		struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state == RUN_QUEUED)
			run_end(f, r, RUN_ERRORED, why, cause);
	}
}

/* It has waited long enough: a device on which it failed before is better than none. */
static void forgive(struct farm *f, struct job *j, int slot)
{
	for (int v = 0; v < j->n_variants; v++) {
		struct run *r = j->runs[slot * j->n_variants + v];

		if (r->row.state != RUN_QUEUED || !r->row.avoid)
			continue;
		r->row.avoid = 0;
		ent_touch(f, &r->ent);
	}
}

/* Whether it was given up. `least` is how many devices its like need. */
static bool look_for_slot(
	struct farm *f, struct job *j, int slot, int least, const struct outlook *all)
{
	const struct device *pin =
		j->slots[slot].pin ? map_get(f->devices, j->slots[slot].pin) : NULL;
	struct outlook one;
	const struct outlook *o = all;
	char cause[LIMIT_CAUSE];

	if (j->slots[slot].pin) {
		look_at(f, j, pin, all, &one);
		o = &one;
	}
	if (o->left + o->shut < least) {
		give_up_slot(f, j, slot, FAILURE_UNSATISFIABLE,
			"no device that the farm knows, or too few, match the selector");
		return true;
	}
	if (pin && device_out_of_reach(f, pin, f->cfg.reattach_ms)) {
		say_lost(f, pin, cause, sizeof(cause));
		give_up_slot(f, j, slot, FAILURE_INFRASTRUCTURE, cause);
		return true;
	}
	if (o->left < least) {
		say_shut(o->one_shut, cause, sizeof(cause));
		give_up_slot(f, j, slot, FAILURE_INFRASTRUCTURE, cause);
		return true;
	}
	forgive(f, j, slot);
	return false;
}

void job_timeout(struct farm *f, struct job *j)
{
	struct outlook o;
	int wanted = 0;

	j->looked = true;
	look_around(f, j, &o);
	for (int s = 0; s < j->n_slots; s++) {
		if (!j->slots[s].pending)
			continue;
		if (!j->slots[s].pin)
			wanted++;
		/* What was given up had a device, maybe, which nobody else gets then. */
		if (look_for_slot(f, j, s, j->slots[s].pin ? 1 : wanted, &o))
			look_around(f, j, &o);
	}
	job_requeue(f, j);
}
