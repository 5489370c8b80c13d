/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of farm events, by a table of what each kind points to; see evcopy.h. */
#include "farm/evcopy.h"

#include <string.h>

#include "base/mem.h"

enum what { TEXT = 1, LONG, IDENTITY, AGENT, JUDGED };

struct pointer {
	enum what what;
	size_t off;
};

#define P(what, field)                                                                             \
	{                                                                                          \
		what, offsetof(struct farm_event, field)                                           \
	}
#define MOST 6

/* The actor is copied for every kind. */
static const struct pointer pointers[FARM_EVENT_KINDS][MOST] = {
	[FARM_DEVICE_ARRIVED] = {P(TEXT, u.arrived.driver), P(TEXT, u.arrived.where)},
	[FARM_DEVICE_GONE] = {P(TEXT, u.gone.text)},
	[FARM_DEVICE_NEEDS_HUMAN] = {P(TEXT, u.needs_human.text)},
	[FARM_DEVICE_ADMIN] = {P(TEXT, u.admin.reason), P(LONG, u.admin.more)},
	[FARM_ACTION_DONE] = {P(TEXT, u.done.text), P(IDENTITY, u.done.identity),
		P(AGENT, u.done.agent), P(JUDGED, u.done.judged), P(LONG, u.done.record)},
	[FARM_AGENT_LOST] = {P(TEXT, u.agent_lost.text)},
	[FARM_AGENT_END] = {P(TEXT, u.end.cause)},
	[FARM_JOB_SUBMIT] = {P(LONG, u.submit.spec), P(TEXT, u.submit.spec_sha256),
		P(TEXT, u.submit.idempotency_key)},
	[FARM_JOB_CANCEL] = {P(TEXT, u.cancel.reason)},
	[FARM_JOB_RETRY] = {P(TEXT, u.retry.reason)},
	[FARM_NOTE] = {P(TEXT, u.note.action), P(TEXT, u.note.detail)},
	[FARM_LEASE_ASK] = {P(LONG, u.ask.selector), P(TEXT, u.ask.reason)},
};

static void *dup_struct(const void *src, size_t n)
{
	return src ? memcpy(mem_alloc(n), src, n) : NULL;
}

static void *copy_one(enum what what, const void *src)
{
	struct farm_agent *agent;
	struct farm_judged *judged;

	switch (what) {
	case TEXT: /* the core wants a text, never NULL */
		return mem_strdup(src ? src : "");
	case LONG:
		return rstr_ref((struct rstr *)src);
	case IDENTITY:
		return dup_struct(src, sizeof(struct farm_identity));
	case AGENT:
		agent = dup_struct(src, sizeof(*agent));
		if (agent)
			rstr_ref(agent->counters);
		return agent;
	case JUDGED:
		judged = dup_struct(src, sizeof(*judged));
		if (judged)
			rstr_ref(judged->result);
		return judged;
	}
	return NULL;
}

static void drop_one(enum what what, void *p)
{
	if (!p)
		return;
	if (what == LONG) {
		rstr_unref(p);
		return;
	}
	if (what == AGENT)
		rstr_unref(((struct farm_agent *)p)->counters);
	if (what == JUDGED)
		rstr_unref(((struct farm_judged *)p)->result);
	mem_free(p);
}

void evcopy_init(struct farm_event *dst, const struct farm_event *src)
{
	const struct pointer *p = pointers[src->kind];

	*dst = *src;
	dst->actor = mem_strdup(src->actor);
	for (int i = 0; i < MOST && p[i].what; i++) {
		void **at = (void **)((char *)dst + p[i].off);

		*at = copy_one(p[i].what, *at);
	}
}

void evcopy_fini(struct farm_event *ev)
{
	const struct pointer *p = pointers[ev->kind];

	for (int i = 0; i < MOST && p[i].what; i++)
		drop_one(p[i].what, *(void **)((char *)ev + p[i].off));
	mem_free((char *)ev->actor);
}
