/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of attempts that failed: what the device itself wrote (logcat, tombstones) is fetched into
 * the attempt's artifacts before the device is cleaned. Which attempts is kept in memory alone, and
 * a failure of it fails nothing: the logs are a help, not a result.
 */
#include "core/internal.h"

#include <string.h>

void logs_wanted(struct device *d, int64_t attempt)
{
	if (!d->can_collect || d->n_logs == LOGS_MAX)
		return;
	for (int i = 0; i < d->n_logs; i++)
		if (d->logs_of[i] == attempt)
			return;
	d->logs_of[d->n_logs++] = attempt;
}

bool logs_collect(struct farm *f, struct device *d)
{
	int64_t attempt;

	if (!d->n_logs)
		return false;
	attempt = d->logs_of[0];
	memmove(d->logs_of, d->logs_of + 1, --d->n_logs * sizeof(d->logs_of[0]));
	d->action = action_issue(f, ACTION_COLLECT, d, d->lease, NULL, 0, attempt, f->cfg.logs_ms);
	return true;
}
