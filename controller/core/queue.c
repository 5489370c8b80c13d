/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one allocation mechanism: jobs' slots and people's reservations wait in the same queue, by
 * priority, then by age. A device that becomes ready takes the first want it fits; a want that is
 * added takes the device that has been idle longest.
 *
 * A job waits once, however many slots it has; the fit says which of them a device may have. The
 * wants of one selector are kept in order, so finding the first is a walk over the selectors that
 * match the device and, in each, over the few wants at its head that do not fit (pinned, or the
 * job already has this device).
 */
#include "core/select.h"

#include <assert.h>

#include "base/map.h"
#include "base/mem.h"

static struct bucket *bucket_for(struct selq *q, int64_t priority)
{
	struct bucket *b, *fresh;

	TAILQ_FOREACH (b, &q->buckets, link) {
		if (b->priority == priority)
			return b;
		if (b->priority < priority)
			break;
	}
	fresh = mem_zalloc(sizeof(*fresh));
	fresh->priority = priority;
	TAILQ_INIT(&fresh->wants);
	if (b)
		TAILQ_INSERT_BEFORE(b, fresh, link);
	else
		TAILQ_INSERT_TAIL(&q->buckets, fresh, link);
	return fresh;
}

/* New wants are the youngest and go to the tail at once; what comes back after a failure is old
 * and belongs near the head, so it is looked for from there. */
void want_add(struct farm *f, struct want *w)
{
	struct bucket *b;
	struct want *it;

	(void)f;
	if (w->queued)
		return;
	b = bucket_for(w->selq, w->priority);
	it = TAILQ_LAST(&b->wants, want_list);
	if (!it || it->seq < w->seq) {
		TAILQ_INSERT_TAIL(&b->wants, w, link);
	} else {
		TAILQ_FOREACH (it, &b->wants, link)
			if (it->seq > w->seq)
				break;
		assert(it);
		TAILQ_INSERT_BEFORE(it, w, link);
	}
	w->queued = true;
	w->selq->n_wants++;
}

void want_remove(struct farm *f, struct want *w)
{
	struct bucket *b;

	(void)f;
	if (!w->queued)
		return;
	TAILQ_FOREACH (b, &w->selq->buckets, link)
		if (b->priority == w->priority)
			break;
	assert(b);
	TAILQ_REMOVE(&b->wants, w, link);
	w->queued = false;
	w->selq->n_wants--;
	if (TAILQ_EMPTY(&b->wants)) {
		TAILQ_REMOVE(&w->selq->buckets, b, link);
		mem_free(b);
	}
}

void queue_device_ready(struct farm *f, struct device *d)
{
	assert(!d->in_ready);
	d->in_ready = true;
	TAILQ_INSERT_TAIL(&f->ready, d, ready_link);
}

void queue_device_unready(struct farm *f, struct device *d)
{
	if (!d->in_ready)
		return;
	d->in_ready = false;
	TAILQ_REMOVE(&f->ready, d, ready_link);
}

static bool fits(const struct want *w, const struct device *d)
{
	return w->job ? job_slot_for(w->job, d) >= 0 : true;
}

static bool before(const struct want *a, const struct want *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
}

static struct want *first_fit(struct selq *q, const struct device *d, const struct want *best)
{
	struct bucket *b;
	struct want *w;

	TAILQ_FOREACH (b, &q->buckets, link) {
		TAILQ_FOREACH (w, &b->wants, link) {
			if (best && !before(w, best))
				return NULL;
			if (fits(w, d))
				return w;
		}
	}
	return NULL;
}

static void grant(struct farm *f, struct want *w, struct device *d)
{
	assert(d->row.state == DEVICE_READY && !d->lease);
	if (w->job)
		slot_next(f, lease_grant_job(f, d, w->job, job_slot_for(w->job, d)));
	else
		lease_grant_waiting(f, d, w->lease);
}

void queue_match_device(struct farm *f, struct device *d)
{
	struct want *best = NULL, *w;

	for (int i = 0; i < d->n_selqs; i++) {
		if (!d->selqs[i]->n_wants)
			continue;
		w = first_fit(d->selqs[i], d, best);
		if (w)
			best = w;
	}
	if (best)
		grant(f, best, d);
}

void queue_match_want(struct farm *f, struct want *w)
{
	struct device *d;

	if (!w->queued)
		return;
	TAILQ_FOREACH (d, &f->ready, ready_link) {
		if (!selq_matches(w->selq, d) || !fits(w, d))
			continue;
		/* A grant comes back here for what its job still wants, so the list is another one now. */
		grant(f, w, d);
		return;
	}
}
