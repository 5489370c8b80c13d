/* SPDX-License-Identifier: Apache-2.0 */
/* See support.h. */
#include "support.h"

#include "base/clock.h"
#include "base/err.h"

static void impatient(void *arg)
{
	(void)arg;
	fail_msg("the awaited condition did not come within %d ms", SUPPORT_PATIENCE_MS);
}

static void nudge(void *arg)
{
	(void)arg;
}

static void turn(void *arg)
{
	struct rig *r = arg;

	r->turns++;
	if (r->until(r->arg))
		loop_stop(r->loop);
}

void rig_init(struct rig *r)
{
	struct err e = {0};

	*r = (struct rig){.loop = loop_new(&e)};
	if (!r->loop)
		fail_msg("%s", e.text);
}

void rig_fini(struct rig *r)
{
	loop_free(r->loop);
}

void rig_run_until(struct rig *r, bool (*until)(void *arg), void *arg)
{
	r->until = until;
	r->arg = arg;
	r->patience = loop_timer_new(r->loop, impatient, NULL);
	loop_timer_set(r->patience, clock_mono_ms() + SUPPORT_PATIENCE_MS);
	/* The condition may hold already; a turn is needed to see it. */
	loop_post(r->loop, nudge, NULL);
	loop_run(r->loop, turn, r);
	loop_timer_free(r->patience);
}

bool rig_is_set(void *arg)
{
	return *(int *)arg != 0;
}
