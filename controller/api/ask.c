/* SPDX-License-Identifier: Apache-2.0 */
/* Requests into the controller's turn; see internal.h. The answer comes when it is on the disk. */
#include "api/internal.h"

#include "api/http.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/ctl.h"

struct ask {
	struct req *req;
	struct ctl *ctl;
	void (*answered)(struct req *r, const struct farm_answer *a);
};

static void ask_end(struct req *r)
{
	mem_free(r->data);
	r->data = NULL;
	r->drop = NULL;
}

static void ask_drop(struct req *r)
{
	struct ask *k = r->data;

	ctl_forget(k->ctl, k);
	ask_end(r);
}

static void ask_expired(struct req *r)
{
	ask_drop(r);
	req_reply(r, reply_problem(503, "timeout",
			     "the controller did not confirm this in time; it may still happen: "
			     "look, or repeat it (a job with the same Idempotency-Key)"));
}

static void on_answer(void *arg, const struct farm_answer *answer)
{
	struct ask *k = arg;
	struct req *r = k->req;
	void (*answered)(struct req *, const struct farm_answer *) = k->answered;

	ask_end(r);
	answered(r, answer);
}

static struct reply *not_taken(int rc)
{
	if (rc == ERR_IO)
		return reply_problem(503, "store-unavailable",
			"the store cannot be written just now (see /readyz); nothing was "
			"changed, try again");
	return reply_problem(
		503, "busy", "the controller has no room for more requests; try again");
}

void req_ask(struct req *r, const struct farm_event *ev,
	void (*answered)(struct req *r, const struct farm_answer *a))
{
	req_ask_for(r, ev, API_ANSWER_MS, answered);
}

void req_ask_for(struct req *r, const struct farm_event *ev, int64_t ms,
	void (*answered)(struct req *r, const struct farm_answer *a))
{
	struct api *a = r->api;
	struct farm_event mine = *ev;
	struct ask *k = mem_zalloc(sizeof(*k));
	int rc;

	*k = (struct ask){r, a->ctl, answered};
	mine.actor = r->who.actor;
	rc = ctl_request(a->ctl, &mine, on_answer, k);
	if (rc) {
		mem_free(k);
		req_reply(r, not_taken(rc));
		return;
	}
	r->data = k;
	r->drop = ask_drop;
	req_wait(r, api_now_ms(a) + ms, ask_expired);
}

struct reply *ask_refused(const struct farm_answer *a)
{
	struct err e = {.code = a->rc};

	str_copy(e.text, sizeof(e.text), a->text);
	return reply_error(&e);
}
