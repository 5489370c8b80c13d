/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault is it when attempts fail on infrastructure: each time the device's, or the job's? One bad
 * push that breaks every phone must cost the job, not the farm, so a job is paused
 *	- when over a fifth of its slots have failed, of five or more; or
 *	- when it has failed on three devices, one of which got it only after another had failed with
 *	  it. Devices that fail at the same time may have a hub in common; the next that is tried has not.
 * A result that the job gives on any device clears it of the second, on the slot's of the first. The
 * sums are not kept over a restart: then it begins anew.
 */
#include "core/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/map.h"
#include "base/str.h"

#define SLOTS_MIN   5 /* fewer tell nothing about a share of them */
#define DEVICES_MIN 3
#define WAVES_MIN   2

static bool take_bit(uint8_t *bits, int i)
{
	bool was = bits[i / 8] >> (i % 8) & 1;

	bits[i / 8] |= 1u << (i % 8);
	return was;
}

static int failed_slots(const struct job *j)
{
	int n = 0;

	for (int s = 0; s < j->n_slots; s++)
		n += j->slots[s].failed;
	return n;
}

static bool too_many_slots(const struct job *j)
{
	return j->n_slots >= SLOTS_MIN && failed_slots(j) * 5 > j->n_slots;
}

bool blame_is_jobs(const struct job *j)
{
	return too_many_slots(j) ||
	       (j->blame.n_failed_on >= DEVICES_MIN && j->blame.waves >= WAVES_MIN);
}

static void count(struct job *j, const struct attempt *a, const struct device *d)
{
	struct blame *b = &j->blame;

	j->slots[a->run->row.slot].failed = true;
	if (a->row.id > b->wave_end) {
		b->waves++;
		b->wave_end = j->newest;
	}
	if (d && !take_bit(b->failed_on, d->index))
		b->n_failed_on++;
}

/* What was counted against devices was the job's. */
static void take_back(struct farm *f, struct job *j)
{
	struct blame *b = &j->blame;

	for (struct map_item *it = map_first(f->devices); it; it = map_next(it)) {
		struct device *d = map_value(it);

		if (!(b->counted[d->index / 8] >> (d->index % 8) & 1) || !d->row.failures ||
			d->row.state == DEVICE_QUARANTINED)
			continue;
		d->row.failures--;
		ent_touch(f, &d->ent);
	}
	memset(b->counted, 0, sizeof(b->counted));
}

bool blame_failed(struct farm *f, struct job *j, const struct attempt *a, struct device *d,
	bool blame_device, const char *cause)
{
	count(j, a, d);
	if (blame_is_jobs(j)) {
		take_back(f, j);
		return true;
	}
	if (!blame_device || !d)
		return false;
	device_blame(f, d, cause);
	take_bit(j->blame.counted, d->index);
	if (d->row.failures >= f->cfg.max_failures) {
		d->quarantine_asked = true;
		str_copy(d->row.need, sizeof(d->row.need), cause);
	}
	return false;
}

void blame_pause(struct farm *f, struct job *j, const char *cause)
{
	char why[64];

	if (j->row.state != JOB_RUNNING || j->row.cancel_asked)
		return;
	if (too_many_slots(j))
		snprintf(why, sizeof(why), "%d of its %d devices failed", failed_slots(j),
			j->n_slots);
	else
		snprintf(why, sizeof(why), "it failed on %d devices in turn and worked on none",
			j->blame.n_failed_on);
	snprintf(j->row.cause, sizeof(j->row.cause),
		"%s: the job is blamed and paused; `framefarm job retry j%lld` when it is mended. "
		"Last: %s",
		why, (long long)j->row.id, cause ? cause : "");
	j->row.exit_code = EXIT_INFRASTRUCTURE;
	job_set_state(f, j, JOB_PAUSED, NULL, j->row.cause);
}

void blame_worked(struct job *j, int slot)
{
	struct blame *b = &j->blame;

	j->slots[slot].failed = false;
	memset(b, 0, sizeof(*b));
}

void blame_reset(struct job *j)
{
	for (int s = 0; s < j->n_slots; s++)
		j->slots[s].failed = false;
	memset(&j->blame, 0, sizeof(j->blame));
}
