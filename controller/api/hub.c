/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens, told to listeners: the controller is watched once, each event becomes text once,
 * and every listener gets it. A listener may answer or wake its request from its callback; it is
 * deleted later, when its request is over.
 */
#include "api/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/show.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "core/rows.h"
#include "farm/ctl.h"

#define NO_ID (-1) /* of what is not stored */

static struct rstr *frame(int64_t id, const char *topic, struct json *data)
{
	char *json = json_print(data, false), *text, head[32] = "";
	struct rstr *out;

	if (id >= 0)
		snprintf(head, sizeof(head), "id: %" PRId64 "\n", id);
	text = mem_printf("%sevent: %s\ndata: %s\n\n", head, topic, json);
	out = rstr_new(text, strlen(text));
	mem_free(text);
	mem_free(json);
	json_free(data);
	return out;
}

struct rstr *hub_event_text(const struct event_row *ev)
{
	return frame(ev->id, ev->topic, show_event(ev));
}

struct rstr *hub_gap_text(int64_t after, int64_t from, const char *why)
{
	struct json *o = json_new_object();

	json_add_int(o, "after", after);
	json_add_int(o, "from", from);
	json_add_str(o, "reason", why);
	return frame(from - 1, "gap", o);
}

static bool is_over(const char *run_state)
{
	for (int64_t s = RUN_COMPLETED; s < RUN_STATES_END; s++)
		if (!strcmp(run_state_name(s), run_state))
			return true;
	return false;
}

static void on_event(void *arg, const struct event_row *ev)
{
	struct api *a = arg;
	struct rstr *text;
	struct listener *l;

	if (!strcmp(ev->topic, "run") && is_over(ev->to_state))
		live_drop(a->live, ev->subject);
	if (LIST_EMPTY(&a->listeners))
		return;
	text = hub_event_text(ev);
	LIST_FOREACH (l, &a->listeners, entry)
		l->event(l, ev, text);
	rstr_unref(text);
}

static void on_progress(void *arg, const struct ctl_progress *p)
{
	struct api *a = arg;
	struct rstr *text;
	struct listener *l;

	live_put(a->live, p);
	if (LIST_EMPTY(&a->listeners))
		return;
	text = frame(NO_ID, "progress", show_progress(p));
	LIST_FOREACH (l, &a->listeners, entry)
		if (l->progress)
			l->progress(l, p, text);
	rstr_unref(text);
}

void hub_start(struct api *a)
{
	a->live = live_new();
	a->watch = ctl_watch_add(a->ctl, on_event, on_progress, a);
}

void hub_stop(struct api *a)
{
	ctl_watch_del(a->ctl, a->watch);
	a->watch = NULL;
	live_unref(a->live);
	a->live = NULL;
}

void hub_drain(struct api *a)
{
	struct listener *l;

	LIST_FOREACH (l, &a->listeners, entry)
		l->drain(l);
}

void hub_add(struct api *a, struct listener *l)
{
	LIST_INSERT_HEAD(&a->listeners, l, entry);
}

void hub_del(struct listener *l)
{
	LIST_REMOVE(l, entry);
}
