/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon as a service; see service.h. */
#include "cmd/service.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/notify.h"
#include "farm/ctl.h"
#include "loop/loop.h"

struct service {
	struct notify *notify;
	struct ctl *ctl;
	struct loop_timer *alive, *status;
	struct loop_signal *hangup;
	char url[256];
	bool stopping;
};

struct service *service_new(const char *about_to)
{
	struct service *s = mem_zalloc(sizeof(*s));

	s->notify = notify_begin(NOTIFY_EXTEND_MS);
	notify_status(s->notify, "%s", about_to);
	return s;
}

/* ---- in the loop ---- */

static void alive(void *arg)
{
	struct service *s = arg;

	notify_alive(s->notify);
	loop_timer_set(s->alive, clock_mono_ms() + notify_alive_ms(s->notify));
}

static void tell(struct service *s)
{
	struct ctl_health h;

	ctl_get_health(s->ctl, &h);
	notify_status(s->notify,
		"%s: %" PRId64 " devices, %" PRId64 " ready, %" PRId64 " busy; %" PRId64
		" runs wait%s%s",
		s->url, (int64_t)h.farm.devices, (int64_t)h.farm.ready, (int64_t)h.farm.busy,
		(int64_t)h.farm.queued_runs,
		h.store_ok ? "" : "; the store takes nothing: ", h.store_ok ? "" : h.store_text);
}

static void status_due(void *arg)
{
	struct service *s = arg;

	tell(s);
	loop_timer_set(s->status, clock_mono_ms() + SERVICE_STATUS_MS);
}

/* Nothing is read anew: a certificate that changed, as all options, counts from the next start on, and runs
 * go on over one. */
static void hangup(void *arg)
{
	(void)arg;
	log_info("event=hangup remedy=\"options and certificates are read at the start: restart to "
		 "have new "
		 "ones\"");
}

void service_start(struct service *s, struct loop *l, struct ctl *c, const char *url)
{
	s->ctl = c;
	str_copy(s->url, sizeof(s->url), url);
	s->hangup = loop_signal_new(l, SIGHUP, hangup, s);
	notify_ready(s->notify);
	if (!s->notify)
		return;
	s->status = loop_timer_new(l, status_due, s);
	status_due(s);
	if (!notify_alive_ms(s->notify))
		return;
	s->alive = loop_timer_new(l, alive, s);
	alive(s);
}

void service_failed(struct service *s, const char *why)
{
	notify_status(s->notify, "it does not start: %s", why);
}

void service_stopping(struct service *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	loop_timer_free(s->status);
	s->status = NULL;
	notify_stopping(s->notify);
	notify_status(s->notify, "stopping: open requests are answered, what is changed is stored");
}

void service_free(struct service *s)
{
	if (!s)
		return;
	loop_timer_free(s->alive);
	loop_timer_free(s->status);
	loop_signal_free(s->hangup);
	notify_end(s->notify);
	mem_free(s);
}
