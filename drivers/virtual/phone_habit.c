/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a virtual phone while it is up: it reboots, adbd is restarted, it cannot be reached;
 * because it was asked to, or because that is its quirk. See phone.h. */
#include "drivers/virtual/phone_internal.h"

#include <signal.h>
#include <string.h>

#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"

static void fall_now(void *arg)
{
	struct phone *p = arg;

	p->habit = NULL;
	phone_fall(p);
}

/* Later in any case: a service or the phone itself may have asked from inside a call. */
void phone_reboot(struct phone *p)
{
	phone_set_timer(p, &p->habit, 0, fall_now);
}

static void restart_now(struct phone *p, bool children)
{
	phone_drop_sessions(p);
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
	phone_set_timer(p, &p->habit, 0, children ? restart_with_children : restart_alone);
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
	phone_drop_sessions(p);
	p->events->down(p->arg);
	phone_set_timer(p, &p->back, ms, reappear);
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
			phone_set_timer(
				p, &p->habit, p->cfg.quirks->value[habits[i].which], habits[i].fn);
}

static bool has(const char *what, size_t n, const char *text)
{
	return text && *text && memmem(what, n, text, strlen(text));
}

bool phone_asked(struct phone *p, const char *what, size_t n)
{
	bool reboot = has(what, n, p->cfg.reboot_at);

	if (!reboot && !has(what, n, p->cfg.vanish_at))
		return false;
	phone_set_timer(p, &p->habit, 0, reboot ? fall_now : vanish_now);
	return true;
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
