/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events. A watcher is either live, then events come from the hub into its bounded
 * queue, or it replays, then pages of stored events come from pool threads. Replay turns live when
 * it has covered everything that the disk held at that moment; a live watcher whose queue is full
 * (its socket takes nothing) loses the queue and replays from the last event that it was given. So
 * no stored event is ever skipped, and memory is bounded. Progress is not stored: who is slow
 * misses it.
 *
 * What is not stored any more, or not yet, cannot be replayed: behind an id whose successors retention
 * has deleted, or one that this store has never given (its backup was restored), comes an event `gap`.
 * Its reader asks for the things themselves anew, and goes on from the gap's id.
 */
#include "api/handlers.h"

#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/lookup.h"
#include "api/param.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "base/str.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

enum topic { TOPIC_JOB = 1, TOPIC_RUN = 2, TOPIC_DEVICE = 4, TOPIC_LEASE = 8, TOPIC_PROGRESS = 16 };

static const struct {
	const char *name;
	unsigned bit;
} topics[] = {
	{"job", TOPIC_JOB},
	{"run", TOPIC_RUN},
	{"device", TOPIC_DEVICE},
	{"lease", TOPIC_LEASE},
	{"progress", TOPIC_PROGRESS},
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

_Static_assert(API_WATCHERS > API_CONNECTIONS_PER_IP && API_WAITERS > API_CONNECTIONS_PER_IP,
	"one address leaves room for others");

struct watcher {
	struct listener listener; /* first */
	struct api *api;
	struct req *req;
	int64_t job; /* only this one's; 0: all */
	unsigned topics;
	int64_t position; /* every stored event up to this id was queued, or is not wanted */
	bool replay;      /* not live */
	bool gap_told;
	bool end;
	struct task *task;
	struct rstr *now; /* being sent, from `sent` on */
	size_t sent;
	struct entry {
		int64_t id; /* of a stored event; 0 of progress and comments */
		struct rstr *text;
	} queue[API_WATCH_QUEUE]; /* a ring */
	int first, n;
};

/* ---- the queue ---- */

static struct entry *queue_at(struct watcher *w, int i)
{
	return &w->queue[(w->first + i) % API_WATCH_QUEUE];
}

static bool queue_put(struct watcher *w, int64_t id, struct rstr *text)
{
	if (w->n == API_WATCH_QUEUE)
		return false;
	*queue_at(w, w->n++) = (struct entry){id, rstr_ref(text)};
	req_wake(w->req);
	return true;
}

static void queue_comment(struct watcher *w, const char *text)
{
	struct rstr *s = rstr_new(text, strlen(text));

	queue_put(w, 0, s);
	rstr_unref(s);
}

static struct rstr *queue_take(struct watcher *w)
{
	struct rstr *s = queue_at(w, 0)->text;

	w->first = (w->first + 1) % API_WATCH_QUEUE;
	w->n--;
	return s;
}

/* Returns the id of the first stored event that was in it, 0 for none. */
static int64_t queue_clear(struct watcher *w)
{
	int64_t id = 0;

	for (int i = 0; i < w->n; i++) {
		if (!id)
			id = queue_at(w, i)->id;
		rstr_unref(queue_at(w, i)->text);
	}
	w->n = 0;
	return id;
}

static unsigned topic_bit(const char *name)
{
	for (int i = 0; i < COUNT(topics); i++)
		if (!strcmp(topics[i].name, name))
			return topics[i].bit;
	return 0;
}

static bool is_wanted(const struct watcher *w, const struct event_row *ev)
{
	return (!w->job || ev->job == w->job) && (topic_bit(ev->topic) & w->topics);
}

/* ---- replay ---- */

struct page {
	int64_t job, after;
	int64_t newest; /* on the disk before the page was read */
	bool known;     /* the event `after` was there when the page had been read */
	struct event_row rows[API_REPLAY_PAGE];
	int n;
};

static int add_row(void *arg, const void *row)
{
	struct page *p = arg;

	if (p->n < API_REPLAY_PAGE)
		p->rows[p->n++] = *(const struct event_row *)row;
	return 0;
}

static int note_known(void *arg, const void *row)
{
	struct page *p = arg;

	p->known = ((const struct event_row *)row)->id == p->after;
	return 0;
}

static struct reply *replay_work(const struct task_env *env, void *args)
{
	struct page *p = args;
	struct store_page page = {.after = p->after, .limit = API_REPLAY_PAGE};
	struct store_page one = {.after = p->after - 1, .limit = 1};
	struct err e = {0};
	int rc;

	if (p->job) {
		page.n_filters = 1;
		page.filters[0] = (struct store_filter){"job", NULL, p->job};
	}
	/* Behind the page, so that no deletion in between goes untold. */
	rc = store_rows(env->reader, &event_table, &page, add_row, p, &e);
	if (!rc && p->job && p->after)
		rc = store_rows(env->reader, &event_table, &one, note_known, p, &e);
	return rc ? reply_error(&e) : NULL;
}

/*
 * Retention deletes what is old, but for the events of pinned jobs. Ids have no holes of their own, so
 * among all events each hole is something that was deleted. One job's are deleted in their order: as
 * long as the last that was seen is there, so are those that followed it. Behind 0 nothing is missed:
 * it means all that there is.
 */
static bool is_hole(const struct watcher *w, const struct page *p, int64_t next)
{
	if (!w->position || w->gap_told)
		return false;
	return p->job ? w->position == p->after && !p->known : next > w->position + 1;
}

/* Once: who hears of it looks at the things themselves, and that makes up for every hole. */
static void queue_gap(struct watcher *w, int64_t from, const char *why)
{
	struct rstr *text = hub_gap_text(w->position, from, why);

	w->gap_told = true;
	w->position = from - 1;
	queue_put(w, w->position, text);
	rstr_unref(text);
}

static void replay_take(struct watcher *w, const struct page *p)
{
	for (int i = 0; i < p->n; i++) {
		struct rstr *text;

		if (is_hole(w, p, p->rows[i].id))
			queue_gap(w, p->rows[i].id, "deleted");
		w->position = p->rows[i].id;
		if (!is_wanted(w, &p->rows[i]))
			continue;
		text = hub_event_text(&p->rows[i]);
		queue_put(w, w->position, text);
		rstr_unref(text);
	}
	/* A page that is not full holds all there was. */
	if (p->n < API_REPLAY_PAGE && w->position < p->newest) {
		if (is_hole(w, p, p->newest + 1))
			queue_gap(w, p->newest + 1, "deleted");
		w->position = p->newest;
	}
	if (w->position >= ctl_last_event(w->api->ctl))
		w->replay = false;
}

static void replay_done(void *owner, void *args, struct reply *p)
{
	struct watcher *w = owner;

	w->task = NULL;
	if (p)
		w->end = true; /* the client comes again with its Last-Event-ID */
	else
		replay_take(w, args);
	reply_free(p);
	req_wake(w->req);
}

static void replay_next(struct watcher *w)
{
	static const struct task_kind kind = {replay_work, replay_done};
	struct page *p = mem_zalloc(sizeof(*p));
	struct err e;

	p->job = w->job;
	p->after = w->position;
	p->newest = ctl_last_event(w->api->ctl);
	w->task = task_start(w->api, &kind, w, p, &e);
	if (!w->task)
		w->end = true;
}

/* ---- as a listener ---- */

static void on_event(struct listener *l, const struct event_row *ev, struct rstr *text)
{
	struct watcher *w = (struct watcher *)l;

	if (w->replay || ev->id <= w->position)
		return;
	if (is_wanted(w, ev) && !queue_put(w, ev->id, text)) {
		w->position = queue_clear(w) - 1;
		w->replay = true;
		w->api->watchers_dropped++;
		return;
	}
	w->position = ev->id;
}

static void on_progress(struct listener *l, const struct ctl_progress *p, struct rstr *text)
{
	struct watcher *w = (struct watcher *)l;

	if (!w->replay && (w->topics & TOPIC_PROGRESS) && (!w->job || p->job == w->job) &&
		w->n < API_WATCH_QUEUE / 2) /* so a full queue holds stored events */
		queue_put(w, 0, text);
}

static void on_drain(struct listener *l)
{
	struct watcher *w = (struct watcher *)l;

	w->end = true;
	req_wake(w->req);
}

/* ---- as a source ---- */

static ssize_t watch_read(void *arg, char *dst, size_t max)
{
	struct watcher *w = arg;
	size_t n;

	if (!w->now && w->n) {
		w->now = queue_take(w);
		w->sent = 0;
	}
	if (!w->now && w->end)
		return SOURCE_END;
	if (!w->now) {
		if (w->replay && !w->task)
			replay_next(w);
		req_wait_until(w->req, api_now_ms(w->api) + API_HEARTBEAT_MS);
		return w->end ? SOURCE_END : 0;
	}
	n = rstr_len(w->now) - w->sent;
	n = n < max ? n : max;
	memcpy(dst, rstr_text(w->now) + w->sent, n);
	w->sent += n;
	if (w->sent == rstr_len(w->now)) {
		rstr_unref(w->now);
		w->now = NULL;
	}
	return (ssize_t)n;
}

/* Nothing happened for so long: proxies stay awake, and a peer that is gone is found out. */
static void watch_expired(void *arg)
{
	queue_comment(arg, ": still here\n\n");
}

static void watch_free(void *arg)
{
	struct watcher *w = arg;

	task_abandon(w->task);
	hub_del(&w->listener);
	queue_clear(w);
	rstr_unref(w->now);
	w->api->n_watchers--;
	mem_free(w);
}

/* ---- the request ---- */

static bool read_topics(struct req *r, unsigned *ret_bits)
{
	char text[LIMIT_VALUE] = "", *next = text, *word;
	unsigned bits = 0, bit;

	if (!param_text(r, "topic", text, sizeof(text)))
		return false;
	while ((word = strsep(&next, ","))) {
		bit = topic_bit(word);
		if (!bit && *text) {
			req_reply(r, reply_problem(400, "invalid-request",
					     "there is no topic '%.40s'; known: job, run, "
					     "device, lease, progress",
					     word));
			return false;
		}
		bits |= bit;
	}
	*ret_bits = bits ? bits : ~0u;
	return true;
}

struct asked {
	int64_t job, after;
	bool foreign; /* it brings an id that is none of ours; after is what it would be without */
	unsigned topics;
};

/* A browser that comes back says what it saw last; that wins over the address it came to first. */
static bool read_position(struct req *r, struct asked *k)
{
	const char *last = req_header(r, "Last-Event-ID");
	int64_t v;

	if (!param_int(r, "after", 0, INT64_MAX, &k->after))
		return false;
	if (last && str_to_i64(last, &v) && v >= 0)
		k->after = v;
	else
		k->foreign = last && *last;
	return true;
}

/* Whether this store cannot know what followed: it came out of a backup since. The first event that
 * can be told is then *ret_from. */
static bool is_unknown(struct api *a, const struct asked *k, int64_t *ret_from)
{
	int64_t after, to;

	*ret_from = ctl_last_event(a->ctl) + 1;
	if (k->foreign || k->after >= *ret_from)
		return true;
	store_lost(ctl_store(a->ctl), &event_table, &after, &to);
	*ret_from = to + 1;
	return k->after > after && k->after <= to;
}

static bool read_asked(struct req *r, struct asked *k)
{
	static const char *const known[] = {"after", "topic", NULL};

	return param_only(r, known) && read_topics(r, &k->topics) && read_position(r, k);
}

static void watch(struct req *r, const struct asked *k)
{
	static const struct source source = {watch_read, watch_expired, watch_free};
	struct api *a = r->api;
	struct watcher *w;
	struct reply *p;
	int64_t from;

	if (a->draining) {
		req_reply(r, reply_problem(503, "stopping",
				     "the daemon is stopping; try again when it is back"));
		return;
	}
	if (a->n_watchers == API_WATCHERS) {
		req_reply(r, reply_problem(503, "busy",
				     "%d clients watch events already; try again", API_WATCHERS));
		return;
	}
	a->n_watchers++;
	w = mem_zalloc(sizeof(*w));
	w->listener =
		(struct listener){.event = on_event, .progress = on_progress, .drain = on_drain};
	w->api = a;
	w->req = r;
	w->job = k->job;
	w->topics = k->topics;
	w->position = k->after;
	hub_add(a, &w->listener);
	p = reply_source("text/event-stream", &source, w);
	reply_header(p, "X-Accel-Buffering", "no");
	queue_comment(w, "retry: 2000\n\n");
	if (is_unknown(a, k, &from))
		queue_gap(w, from, "unknown");
	w->replay = w->position < ctl_last_event(a->ctl);
	req_reply(r, p);
}

void events_get(struct req *r)
{
	struct api *a = r->api;
	struct asked k = {.after = ctl_last_event(a->ctl)};

	if (read_asked(r, &k))
		watch(r, &k);
}

/* A job that is not there has no events, now or later. */
static struct reply *job_work(const struct task_env *env, void *args)
{
	const struct asked *k = args;
	struct err e = {0};
	int rc = lookup_is_there(env, &job_table, "job", 'j', k->job, &e);

	return rc ? reply_error(&e) : NULL;
}

static void job_done(void *owner, void *args, struct reply *p)
{
	if (p)
		req_reply(owner, p);
	else
		watch(owner, args);
}

void events_job(struct req *r)
{
	static const struct task_kind kind = {job_work, job_done};
	struct asked *k = mem_zalloc(sizeof(*k));

	if (!param_path_id(r, 'j', "job", &k->job) || !read_asked(r, k)) {
		mem_free(k);
		return;
	}
	req_read(r, &kind, k);
}
