/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest progress of each live run, so that pool threads, which may not ask the controller, can
 * show it beside rows. Fed on the loop thread; read on any, under one lock that is held for a
 * look-up. Counted, since a task may outlive the API. Bounded by the number of devices.
 */
#include "api/internal.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "farm/ctl.h"

struct live {
	atomic_int refs;
	pthread_mutex_t lock; /* of runs */
	struct map *runs;     /* id → struct ctl_progress, ours */
};

struct live *live_new(void)
{
	struct live *l = mem_zalloc(sizeof(*l));

	atomic_init(&l->refs, 1);
	pthread_mutex_init(&l->lock, NULL);
	l->runs = map_new();
	return l;
}

struct live *live_ref(struct live *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void live_unref(struct live *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) > 1)
		return;
	for (struct map_item *it = map_first(l->runs); it; it = map_next(it))
		mem_free(map_value(it));
	map_free(l->runs);
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

void live_put(struct live *l, const struct ctl_progress *p)
{
	struct ctl_progress *mine;

	pthread_mutex_lock(&l->lock);
	mine = map_get(l->runs, p->run);
	if (!mine && map_count(l->runs) < LIMIT_DEVICES) {
		mine = mem_alloc(sizeof(*mine));
		map_put(l->runs, p->run, mine);
	}
	if (mine)
		*mine = *p; /* its phase is a literal */
	pthread_mutex_unlock(&l->lock);
}

void live_drop(struct live *l, int64_t run)
{
	pthread_mutex_lock(&l->lock);
	mem_free(map_del(l->runs, run));
	pthread_mutex_unlock(&l->lock);
}

bool live_get(struct live *l, int64_t run, struct ctl_progress *ret_p)
{
	const struct ctl_progress *p;

	pthread_mutex_lock(&l->lock);
	p = map_get(l->runs, run);
	if (p)
		*ret_p = *p;
	pthread_mutex_unlock(&l->lock);
	return p != NULL;
}

bool live_get_device(struct live *l, int64_t device, struct ctl_progress *ret_p)
{
	bool found = false;

	pthread_mutex_lock(&l->lock);
	for (struct map_item *it = map_first(l->runs); it && !found; it = map_next(it)) {
		const struct ctl_progress *p = map_value(it);

		found = p->device == device;
		if (found)
			*ret_p = *p;
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}
