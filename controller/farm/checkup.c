/* SPDX-License-Identifier: Apache-2.0 */
/* Reading through the store now and then; see checkup.h. */
#include "farm/checkup.h"

#include <pthread.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/farm.h"
#include "drivers/driver.h"
#include "store/store.h"
#include "store/verify.h"

#define READER_WAIT_MS 5000

struct checkup {
	struct ctl_env env;
	int64_t every_ms;
	struct store *store;
	const struct farm *farm;
	struct host_timer *timer;
	bool busy, stopping;

	/* The piece that is under way; pool thread. */
	struct verify at;
	int rc;
	bool over;
	struct err err;

	pthread_mutex_t lock;
	struct ctl_check stats;
};

static void work(void *arg)
{
	struct checkup *c = arg;
	struct store_reader *rd = store_reader_get(c->store, READER_WAIT_MS, &c->err);

	c->over = false;
	c->rc = rd ? verify_piece(rd, &c->at, &c->over, &c->err) : c->err.code;
	if (rd)
		store_reader_put(rd);
}

static void due(void *arg);

static void again_in(struct checkup *c, int64_t ms)
{
	struct driver_host *h = c->env.host;

	if (!c->stopping)
		c->timer = h->timer_add(h, c->env.now(c->env.ctx).mono_ms + ms, due, c);
}

static int64_t rest_ms(const struct checkup *c)
{
	struct farm_counts n;

	farm_get_counts(c->farm, &n);
	return n.busy ? CHECKUP_BUSY_MS : CHECKUP_REST_MS;
}

static void end_round(struct checkup *c)
{
	bool damaged = c->rc != 0, was;

	pthread_mutex_lock(&c->lock);
	was = c->stats.damaged;
	c->stats.damaged = damaged;
	c->stats.rows = c->at.n;
	c->stats.ended_ms = c->env.now(c->env.ctx).wall_ms;
	if (!damaged)
		c->stats.whole_ms = c->stats.ended_ms;
	pthread_mutex_unlock(&c->lock);
	if (damaged && !was)
		log_err("event=store_check_failed cause=\"%s\"", c->err.text);
	else if (!damaged)
		log_info("event=store_checked rows=%lld bytes=%lld", (long long)c->at.n,
			(long long)c->at.size);
	c->at = (struct verify){0};
	again_in(c, c->every_ms);
}

static void done(void *arg)
{
	struct checkup *c = arg;

	c->busy = false;
	/* What else may fail (all readers are busy, say) tells nothing: the same piece again. */
	if (c->rc == ERR_CORRUPT || (!c->rc && c->over))
		end_round(c);
	else
		again_in(c, c->rc ? CHECKUP_BUSY_MS : rest_ms(c));
}

static void due(void *arg)
{
	struct checkup *c = arg;
	struct driver_host *h = c->env.host;

	c->timer = NULL;
	c->busy = true;
	if (!h->blocking(h, work, done, c))
		return;
	c->busy = false; /* the pool is full: later */
	again_in(c, CHECKUP_BUSY_MS);
}

struct checkup *checkup_new(
	const struct ctl_env *env, int64_t every_ms, struct store *store, const struct farm *farm)
{
	struct checkup *c = mem_zalloc(sizeof(*c));

	c->env = *env;
	c->every_ms = every_ms;
	c->store = store;
	c->farm = farm;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void checkup_start(struct checkup *c)
{
	if (c->every_ms)
		again_in(c, c->every_ms < CHECKUP_FIRST_MS ? c->every_ms : CHECKUP_FIRST_MS);
}

void checkup_stop(struct checkup *c)
{
	struct driver_host *h = c->env.host;

	c->stopping = true;
	if (c->timer)
		h->timer_del(h, c->timer);
	c->timer = NULL;
}

bool checkup_idle(const struct checkup *c)
{
	return !c->busy;
}

void checkup_free(struct checkup *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

void checkup_get_stats(struct checkup *c, struct ctl_check *ret_st)
{
	pthread_mutex_lock(&c->lock);
	*ret_st = c->stats;
	pthread_mutex_unlock(&c->lock);
}
