/* SPDX-License-Identifier: Apache-2.0 */
/* People: they submit jobs of every shape, cancel, reserve, extend, release, quarantine, retire. */
#include "people.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "oracle.h"
#include "sim.h"
#include "stats.h"

#define KNOWN_MAX   256
#define RETIRED_MAX 4 /* of a seed's devices */

struct people {
	struct sim *s;
	struct rng rng;   /* of the present deed */
	struct map *open; /* what was asked and not answered, by token */
	int64_t next_token;
	int64_t jobs[KNOWN_MAX], leases[KNOWN_MAX];
	int n_jobs, n_leases;
	int retired, habit, jobs_max;
	struct job_shape last; /* what may be submitted once more, with its key */
	char last_key[LIMIT_VALUE];
};

/* Of twenty acts: submit, cancel, reserve, extend or release, operate. A seed has one kind of people. */
static const int habits[][5] = {
	{12, 2, 2, 2, 2},
	{6, 1, 7, 5, 1},
	{7, 1, 1, 1, 10},
	{10, 6, 2, 1, 1},
};

/* Live jobs of a farm that idles, and of one in which no device is ever ready for long. */
static const int jobs_max[] = {2, 5, 12, 40};

#define N_HABITS ((int)(sizeof(habits) / sizeof(habits[0])))

struct people *people_new(struct sim *s)
{
	struct people *p = mem_zalloc(sizeof(*p));

	p->s = s;
	p->open = map_new();
	p->rng = chance_rng(s->chance, SERIES_LIFE, 1);
	p->habit = rng_range(&p->rng, 0, N_HABITS - 1);
	p->jobs_max = jobs_max[rng_range(&p->rng, 0, 3)];
	return p;
}

void people_free(struct people *p)
{
	map_free(p->open);
	mem_free(p);
}

/* ---- requests and answers ---- */

int people_request(struct people *p, struct farm_event *ev, enum ask what)
{
	int rc;

	ev->token = ++p->next_token;
	ev->actor = "somebody";
	rc = turn_request(p->s->turn, ev);
	if (!rc)
		map_put(p->open, ev->token, (void *)(intptr_t)(what + 1));
	else if (rc != ERR_IO && rc != ERR_FULL)
		sim_panic(p->s, "requests are refused for the store or a full queue alone: %s",
			err_name(rc));
	return rc;
}

static void remember(int64_t *list, int *n, int64_t id)
{
	list[(*n)++ % KNOWN_MAX] = id;
}

void people_answer(struct people *p, const struct farm_answer *a)
{
	enum ask what = (intptr_t)map_del(p->open, a->token) - 1;

	if ((int)what < 0)
		sim_panic(p->s, "every request is answered once: #%lld again", (long long)a->token);
	if (what == ASK_JOB && !a->rc) {
		oracle_accepted(p->s->oracle, a->id);
		if (!a->existed)
			remember(p->jobs, &p->n_jobs, a->id);
	}
	if (what == ASK_LEASE && !a->rc)
		remember(p->leases, &p->n_leases, a->id);
	if (what == ASK_NONE) {
		if (a->rc != ERR_NOTFOUND)
			sim_panic(p->s, "what is not there cannot be cancelled");
		return;
	}
	sim_tell(p->s, "answer #%lld: %s", (long long)a->token, a->text);
}

void people_crash(struct people *p)
{
	map_free(p->open);
	p->open = map_new();
}

void people_final(struct people *p)
{
	if (map_count(p->open))
		sim_panic(p->s, "every request is answered: #%lld is not",
			(long long)map_key(map_first(p->open)));
}

/* Until the queue is full: what is refused then is refused before it costs anybody a completion. */
void people_flood(struct people *p)
{
	int64_t events, commits;
	int rc;

	do {
		struct farm_event ev = {.kind = FARM_JOB_CANCEL,
			.u.cancel = {.job = INT64_MAX, .reason = "no such job"}};

		rc = people_request(p, &ev, ASK_NONE);
	} while (!rc);
	turn_get_load(p->s->turn, &events, &commits);
	sim_tell(p->s, "flood: %lld events wait, then: %s", (long long)events, err_name(rc));
	if (rc != ERR_FULL)
		return;
	stats_count(FAULT_QUEUE_FULL);
	if (events > TURN_QUEUE)
		sim_panic(p->s, "the queue is bounded: %lld events", (long long)events);
}

/* ---- jobs ---- */

static const char *pick_selector(struct rng *r)
{
	static const char *const all[] = {"{\"virtual\": \"any\"}",
		"{\"shelf\": \"a\", \"virtual\": \"any\"}", "{\"shelf\": \"b\"}",
		"{\"model\": \"Model 1\"}", "{\"model\": \"Model 2\", \"shelf\": \"a\"}",
		"{\"kind\": \"sim\", \"virtual\": \"any\"}", "{\"model\": \"Nobody has it\"}"};

	return all[rng_range(r, 0, rng_chance(r, 0.05) ? 6 : 5)];
}

static void write_job(const struct job_shape *j, struct buf *b)
{
	buf_printf(b, "{\"schema\": \"framefarm.job/1\", \"name\": \"job\", \"model\": {\"name\": "
		      "\"m\", \"variants\": [");
	for (int v = 0; v < j->variants; v++)
		buf_printf(b,
			"%s{\"name\": \"v%d\", \"file\": {\"sha256\": \"%064d\", \"bytes\": 10, "
			"\"name\": \"m.onnx\"}}",
			v ? ", " : "", v, v);
	buf_printf(b, "]}, \"measure\": {\"rounds\": %d, \"max_rounds\": %d}, ", j->rounds,
		j->max_rounds);
	buf_printf(b, "\"devices\": {\"select\": %s, ", j->selector);
	if (j->count)
		buf_printf(b, "\"count\": %d}, ", j->count);
	else
		buf_printf(b, "\"count\": \"all\"}, ");
	buf_printf(b, "\"priority\": %d, \"retries\": %d}", j->priority, j->retries);
}

int people_submit(struct people *p, const struct job_shape *shape)
{
	struct farm_event ev = {.kind = FARM_JOB_SUBMIT};
	char sha[LIMIT_SHA256], key[LIMIT_VALUE];
	struct buf b;
	int rc;

	buf_init(&b, 0);
	write_job(shape, &b);
	hash_bytes(b.data, b.len, sha);
	snprintf(key, sizeof(key), "key-%lld", (long long)p->next_token);
	ev.u.submit.spec = rstr_new(buf_text(&b), b.len);
	ev.u.submit.spec_sha256 = sha;
	ev.u.submit.idempotency_key = shape->key ? shape->key : key;
	rc = people_request(p, &ev, ASK_JOB);
	rstr_unref(ev.u.submit.spec);
	buf_fini(&b);
	if (!shape->key)
		str_copy(p->last_key, sizeof(p->last_key), key);
	return rc;
}

/* Mostly a few devices and variants, now and then many or all. */
static struct job_shape draw_job(struct rng *r)
{
	struct job_shape j = {.variants = rng_chance(r, 0.03) ? 8 : rng_range(r, 1, 3)};

	j.count = rng_chance(r, 0.1)    ? 0
	          : rng_chance(r, 0.15) ? rng_range(r, 5, 12)
	                                : rng_range(r, 1, 3);
	j.rounds = rng_range(r, 1, 2);
	j.max_rounds = j.rounds + rng_range(r, 0, 2);
	j.selector = pick_selector(r);
	j.priority = rng_range(r, -2, 2);
	j.retries = rng_range(r, 0, 3);
	return j;
}

static void submit(struct people *p)
{
	struct job_shape again = p->last;

	if (*p->last_key && rng_chance(&p->rng, 0.1)) {
		again.key = p->last_key;
		people_submit(p, &again);
		return;
	}
	p->last = draw_job(&p->rng);
	people_submit(p, &p->last);
}

static int64_t one_of(struct people *p, const int64_t *list, int n)
{
	int have = n < KNOWN_MAX ? n : KNOWN_MAX;

	return have ? list[rng_range(&p->rng, 0, have - 1)] : 0;
}

static void retry(struct people *p, int64_t job)
{
	people_request(p,
		&(struct farm_event){
			.kind = FARM_JOB_RETRY, .u.retry = {.job = job, .reason = "it was mended"}},
		ASK_OTHER);
}

static void cancel(struct people *p, int64_t job)
{
	people_request(p,
		&(struct farm_event){.kind = FARM_JOB_CANCEL,
			.u.cancel = {.job = job, .reason = "not wanted any more"}},
		ASK_OTHER);
}

/* ---- reservations and operators ---- */

static void reserve(struct people *p)
{
	const char *sel = pick_selector(&p->rng);
	struct farm_event ev = {.kind = FARM_LEASE_ASK};

	ev.u.ask.selector = rstr_new(sel, strlen(sel));
	ev.u.ask.for_ms = rng_range(&p->rng, 1000, 600000);
	ev.u.ask.priority = rng_range(&p->rng, -1, 1);
	ev.u.ask.reason = "debugging";
	people_request(p, &ev, ASK_LEASE);
	rstr_unref(ev.u.ask.selector);
}

static void extend_or_release(struct people *p)
{
	int64_t lease = one_of(p, p->leases, p->n_leases);
	struct farm_event ev = {0};

	if (rng_chance(&p->rng, 0.4)) {
		ev.kind = FARM_LEASE_EXTEND;
		ev.u.extend.lease = lease;
		ev.u.extend.for_ms = rng_range(&p->rng, 1000, 300000);
	} else {
		ev.kind = FARM_LEASE_RELEASE;
		ev.u.release.lease = lease;
	}
	people_request(p, &ev, ASK_OTHER);
}

/* One in the state that was drawn, so that rare states are met too; else any. */
struct pick {
	struct rng *rng;
	int64_t state, found, any;
	int n_found, n_any;
};

static void pick_device(void *arg, const void *row)
{
	const struct device_row *d = row;
	struct pick *p = arg;

	if (rng_range(p->rng, 0, p->n_any++) == 0)
		p->any = d->id;
	if (d->state == p->state && rng_range(p->rng, 0, p->n_found++) == 0)
		p->found = d->id;
}

/* States in which a device is most of the time; the few retirements are kept for the others. */
static bool is_common(int64_t state)
{
	return state == DEVICE_ABSENT || state == DEVICE_READY || state == DEVICE_QUARANTINED;
}

/* Something to be done to a device itself: mostly to one that is free, as it should be. */
static void ask_service(struct people *p)
{
	struct pick pick = {.rng = &p->rng, .state = DEVICE_READY};
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN};

	ev.u.admin.what = rng_range(&p->rng, FARM_ADMIN_DETACH, FARM_ADMIN_PROVISION);
	if (ev.u.admin.what == FARM_ADMIN_ATTACH)
		pick.state = DEVICE_NEEDS_HUMAN;
	else if (rng_chance(&p->rng, 0.2))
		pick.state = rng_range(&p->rng, 1, DEVICE_STATES_END - 1);
	farm_each(turn_farm(p->s->turn), &device_table, pick_device, &pick);
	ev.u.admin.device = pick.found ? pick.found : pick.any;
	ev.u.admin.reason = "it is wanted elsewhere";
	people_request(p, &ev, ASK_OTHER);
}

static void operate(struct people *p)
{
	struct pick pick = {.rng = &p->rng};
	struct farm_event ev = {.kind = FARM_DEVICE_ADMIN};
	bool retire = p->retired < RETIRED_MAX && rng_chance(&p->rng, 0.6);

	do
		pick.state = rng_range(&p->rng, 1, DEVICE_STATES_END - 1);
	while (retire && (!farm_device_may(pick.state, DEVICE_RETIRED) ||
				 (is_common(pick.state) && !rng_chance(&p->rng, 0.2))));
	farm_each(turn_farm(p->s->turn), &device_table, pick_device, &pick);
	ev.u.admin.device = pick.found ? pick.found : pick.any;
	ev.u.admin.reason = "looks odd";
	ev.u.admin.what = rng_chance(&p->rng, 0.6) ? FARM_ADMIN_RELEASE : FARM_ADMIN_QUARANTINE;
	if (retire && pick.found) {
		ev.u.admin.what = FARM_ADMIN_RETIRE;
		p->retired++;
	}
	people_request(p, &ev, ASK_OTHER);
}

static void find_paused(void *arg, const void *row)
{
	const struct job_row *j = row;

	if (j->state == JOB_PAUSED)
		*(int64_t *)arg = j->id;
}

static void retry_paused(struct people *p)
{
	int64_t job = one_of(p, p->jobs, p->n_jobs);

	farm_each(turn_farm(p->s->turn), &job_table, find_paused, &job);
	retry(p, job);
}

void people_act(struct people *p, int64_t number)
{
	const int *h = habits[p->habit];
	struct farm_counts c;
	int64_t n;

	p->rng = chance_rng(p->s->chance, SERIES_PEOPLE, number);
	n = rng_range(&p->rng, 0, 19);
	farm_get_counts(turn_farm(p->s->turn), &c);
	if ((n -= h[0]) < 0) {
		if (c.live_jobs < p->jobs_max)
			submit(p);
	} else if ((n -= h[1]) < 0) {
		if (rng_chance(&p->rng, 0.7))
			cancel(p, one_of(p, p->jobs, p->n_jobs));
		else
			retry_paused(p);
	} else if ((n -= h[2]) < 0) {
		reserve(p);
	} else if ((n -= h[3]) < 0) {
		extend_or_release(p);
	} else if (rng_chance(&p->rng, 0.4)) {
		ask_service(p);
	} else {
		operate(p);
	}
}

/* ---- peace ---- */

static void end_paused(void *arg, const void *row)
{
	const struct job_row *j = row;

	if (j->state == JOB_PAUSED && !j->cancel_asked)
		cancel(arg, j->id);
}

static void free_device(void *arg, const void *row)
{
	const struct device_row *d = row;

	if (*d->detached_by)
		people_request(arg,
			&(struct farm_event){.kind = FARM_DEVICE_ADMIN,
				.u.admin = {.device = d->id,
					.what = FARM_ADMIN_ATTACH,
					.reason = "we need it"}},
			ASK_OTHER);
	if (d->state == DEVICE_QUARANTINED)
		people_request(arg,
			&(struct farm_event){.kind = FARM_DEVICE_ADMIN,
				.u.admin = {.device = d->id,
					.what = FARM_ADMIN_RELEASE,
					.reason = "it is well again"}},
			ASK_OTHER);
}

void people_peace(struct people *p)
{
	farm_each(turn_farm(p->s->turn), &job_table, end_paused, p);
	farm_each(turn_farm(p->s->turn), &device_table, free_device, p);
}
