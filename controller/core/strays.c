/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts in an agent's spool that nobody knows, and whose discard failed: each is tried again when
 * the device has been cleaned and when it has been idle for a while, so that a spool always drains.
 * Kept in memory alone, for a new session reports them anew.
 */
#include "core/internal.h"

#include <string.h>

void stray_discard(struct farm *f, struct device *d, int64_t attempt)
{
	action_issue(f, ACTION_DISCARD, d, NULL, NULL, 0, attempt, f->cfg.discard_ms);
}

void stray_failed(struct farm *f, struct device *d, int64_t attempt)
{
	if (!device_usable(d) || d->n_strays == STRAYS_MAX)
		return; /* its next session tells */
	d->strays[d->n_strays++] = attempt;
	if (d->row.state == DEVICE_READY && !d->timer.pos)
		timer_set(f, &d->timer, f->cfg.need_recheck_ms);
}

void strays_discard(struct farm *f, struct device *d)
{
	int64_t again[STRAYS_MAX];
	int n = d->n_strays;

	memcpy(again, d->strays, sizeof(again));
	d->n_strays = 0;
	for (int i = 0; i < n && device_usable(d); i++)
		stray_discard(f, d, again[i]);
}
