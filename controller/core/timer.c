/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of the core's objects: an intrusive binary heap, so that setting and clearing one costs
 * O(log n) and the next is known at once. Equal times fire in the order of the heap, which depends
 * on
 * nothing but the sequence of calls: a replay is exact.
 */
#include "core/internal.h"

#include <assert.h>

#include "base/mem.h"

static void place(struct farm *f, int pos, struct timer *t)
{
	f->heap[pos] = t;
	t->pos = pos;
}

static void sift_up(struct farm *f, int pos)
{
	struct timer *t = f->heap[pos];

	for (; pos > 1 && f->heap[pos / 2]->at > t->at; pos /= 2)
		place(f, pos, f->heap[pos / 2]);
	place(f, pos, t);
}

static void sift_down(struct farm *f, int pos)
{
	struct timer *t = f->heap[pos];
	int child;

	for (; (child = 2 * pos) <= f->n_heap; pos = child) {
		if (child < f->n_heap && f->heap[child + 1]->at < f->heap[child]->at)
			child++;
		if (f->heap[child]->at >= t->at)
			break;
		place(f, pos, f->heap[child]);
	}
	place(f, pos, t);
}

void timer_init(struct timer *t, enum timer_kind kind, void *owner)
{
	*t = (struct timer){.kind = kind, .owner = owner};
}

void timer_clear(struct farm *f, struct timer *t)
{
	int pos = t->pos;
	struct timer *last;

	if (!pos)
		return;
	assert(f->heap[pos] == t);
	last = f->heap[f->n_heap--];
	t->pos = 0;
	if (last == t)
		return;
	place(f, pos, last);
	sift_up(f, pos);
	sift_down(f, last->pos);
}

void timer_set(struct farm *f, struct timer *t, int64_t after_ms)
{
	assert(after_ms >= 0);
	timer_clear(f, t);
	t->at = f->now.mono_ms + after_ms;
	if (f->n_heap + 1 >= f->cap_heap) {
		f->cap_heap = f->cap_heap ? 2 * f->cap_heap : 64;
		f->heap = mem_realloc(f->heap, f->cap_heap, sizeof(*f->heap));
	}
	f->heap[++f->n_heap] = t;
	sift_up(f, f->n_heap);
}

struct timer *timer_due(struct farm *f)
{
	struct timer *t;

	if (!f->n_heap || f->heap[1]->at > f->now.mono_ms)
		return NULL;
	t = f->heap[1];
	timer_clear(f, t);
	return t;
}
