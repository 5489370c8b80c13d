/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual phone comes up and goes down: its files are written, its name spaces made and left, and
 * while it is up its body goes on. See phone.h. */
#include "drivers/virtual/phone_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/space.h"
#include "drivers/virtual/tree.h"

static void boot_now(void *arg);

/* ---- the body ---- */

static void body_work(void *arg)
{
	struct phone *p = arg;

	body_step(&p->body, p->root, p->step_ms);
}

static void tick(void *arg);

static void body_done(void *arg)
{
	struct phone *p = arg;

	p->busy = false;
	if (p->state == PHONE_UP)
		phone_set_timer(p, &p->tick, PHONE_TICK_MS, tick);
}

static void tick(void *arg)
{
	struct phone *p = arg;

	p->tick = NULL;
	if (p->state != PHONE_UP || p->busy)
		return;
	p->step_ms = p->h->now_ms(p->h);
	p->body.powered = p->powered;
	p->busy = !p->h->blocking(p->h, body_work, body_done, p);
	if (!p->busy)
		phone_set_timer(p, &p->tick, PHONE_TICK_MS, tick);
}

/* ---- boot ---- */

static void fail(struct phone *p, const char *text)
{
	p->state = PHONE_STOPPED;
	p->events->failed(p->arg, text);
}

static void space_ready(void *arg)
{
	struct phone *p = arg;

	if (p->state != PHONE_STARTING)
		return;
	p->state = PHONE_UP;
	p->space_up = true;
	p->root = fcntl(space_root(p->space), F_DUPFD_CLOEXEC, 3);
	p->body.last_ms = p->h->now_ms(p->h);
	p->body.last_cpu_ms = 0;
	tick(p);
	p->events->up(p->arg);
}

static void space_reboot(void *arg)
{
	phone_reboot(arg);
}

static void space_ended(void *arg, const char *text)
{
	struct phone *p = arg;
	bool was_up = p->state == PHONE_UP;

	p->space = NULL;
	p->space_up = false;
	if (p->state == PHONE_STARTING) {
		fail(p, text);
		return;
	}
	if (was_up) /* it crashed */
		phone_fall(p);
	if (p->state == PHONE_FALLING) {
		p->state = PHONE_OFF;
		if (!p->stopped)
			phone_set_timer(p, &p->boot_timer, p->cfg.profile->boot_ms, boot_now);
	}
}

static const struct space_events space_events = {
	.ready = space_ready, .reboot = space_reboot, .ended = space_ended};

static void start_space(struct phone *p)
{
	struct space_config cfg = {.dir = p->dir,
		.name = p->cfg.profile->device,
		.arm64 = p->cfg.arm64,
		.noexec = p->cfg.quirks->on[QUIRK_NOEXEC]};
	struct err e = {0};

	p->state = PHONE_STARTING;
	p->space = space_new(p->h, &cfg, &space_events, p, &e);
	if (!p->space)
		fail(p, e.text);
}

static void prepare_work(void *arg)
{
	struct phone *p = arg;
	struct tree_phone t = {.profile = p->cfg.profile,
		.serial = p->serial,
		.clock = p->cfg.clock,
		.arm64 = p->cfg.arm64,
		.auth = p->cfg.auth,
		.restricts_install = p->cfg.quirks->on[QUIRK_RESTRICT_INSTALL],
		.denies_shell = p->cfg.quirks->on[QUIRK_DENY_SHELL],
		.props = p->cfg.props,
		.n_props = p->cfg.n_props};

	p->prepare_rc = body_prepare(&p->body, &t, p->prepare_what, sizeof(p->prepare_what));
}

static void prepare_done(void *arg)
{
	struct phone *p = arg;
	char text[LIMIT_CAUSE];

	p->busy = false;
	if (p->stopped || p->state != PHONE_PREPARING)
		return;
	if (p->prepare_rc) {
		snprintf(text, sizeof(text), "cannot make the phone's %s: %s", p->prepare_what,
			strerror(p->prepare_rc));
		fail(p, text);
		return;
	}
	start_space(p);
}

static void boot_now(void *arg)
{
	struct phone *p = arg;

	p->boot_timer = NULL;
	if (p->stopped || p->state != PHONE_OFF)
		return;
	if (p->root >= 0 && !p->busy) {
		close(p->root);
		p->root = -1;
	}
	if (p->busy || p->h->blocking(p->h, prepare_work, prepare_done, p)) {
		phone_set_timer(p, &p->boot_timer, PHONE_TICK_MS, boot_now);
		return;
	}
	p->busy = true;
	p->state = PHONE_PREPARING;
}

void phone_boot(struct phone *p)
{
	boot_now(p);
}

/* ---- down ---- */

/* What follows is up to space_ended(). */
void phone_fall(struct phone *p)
{
	if (p->state != PHONE_UP)
		return;
	p->state = PHONE_FALLING;
	phone_clear_timer(p, &p->tick);
	phone_drop_sessions(p);
	p->space_up = false;
	p->events->down(p->arg);
	if (p->space)
		space_end(p->space);
}
