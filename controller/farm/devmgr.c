/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers and the devices they report; see devmgr.h. */
#include "farm/devmgr.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "farm/devmgr_internal.h"
#include "farm/turn.h"

/* ---- the host that drivers see: the environment's, with our reports ---- */

static struct devmgr *of_host(struct driver_host *h)
{
	return (struct devmgr *)((char *)h - offsetof(struct devmgr, host));
}

static struct driver_host *env_host(struct driver_host *h)
{
	return of_host(h)->env.host;
}

static int64_t host_now_ms(struct driver_host *h)
{
	return env_host(h)->now_ms(env_host(h));
}

static struct host_timer *host_timer_add(
	struct driver_host *h, int64_t at_ms, void (*fn)(void *arg), void *arg)
{
	return env_host(h)->timer_add(env_host(h), at_ms, fn, arg);
}

static void host_timer_del(struct driver_host *h, struct host_timer *t)
{
	env_host(h)->timer_del(env_host(h), t);
}

static struct host_fd *host_fd_add(struct driver_host *h, int fd, unsigned events,
	void (*fn)(void *arg, unsigned events), void *arg)
{
	return env_host(h)->fd_add(env_host(h), fd, events, fn, arg);
}

static void host_fd_set(struct driver_host *h, struct host_fd *f, unsigned events)
{
	env_host(h)->fd_set(env_host(h), f, events);
}

static void host_fd_del(struct driver_host *h, struct host_fd *f)
{
	env_host(h)->fd_del(env_host(h), f);
}

static struct host_child *host_spawn(struct driver_host *h, const struct host_spawn *sp,
	void (*exited)(void *arg, int status), void *arg, struct err *e)
{
	return env_host(h)->spawn(env_host(h), sp, exited, arg, e);
}

static void host_child_kill(struct driver_host *h, struct host_child *c, int sig)
{
	env_host(h)->child_kill(env_host(h), c, sig);
}

static int host_blocking(
	struct driver_host *h, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	return env_host(h)->blocking(env_host(h), work, done, arg);
}

static struct running *running_of(struct devmgr *m, const struct driver *drv)
{
	struct running *r;

	TAILQ_FOREACH (r, &m->running, link)
		if (r->drv == drv)
			return r;
	return NULL;
}

static void host_arrived(
	struct driver_host *h, const struct driver *drv, struct driver_dev *dd, const char *where)
{
	struct devmgr *m = of_host(h);
	struct dev *d = mem_zalloc(sizeof(*d));

	d->m = m;
	d->run = running_of(m, drv);
	assert(d->run);
	d->dd = dd;
	d->handle = ++m->next_handle;
	TAILQ_INSERT_TAIL(&m->devs, d, link);
	turn_post(m->turn,
		&(struct farm_event){.kind = FARM_DEVICE_ARRIVED,
			.u.arrived = {.handle = d->handle, .driver = drv->name, .where = where}});
}

static struct dev *dev_of(struct devmgr *m, const struct driver_dev *dd)
{
	struct dev *d;

	TAILQ_FOREACH (d, &m->devs, link)
		if (d->dd == dd)
			return d;
	return NULL;
}

static void host_gone(struct driver_host *h, struct driver_dev *dd, const char *why)
{
	struct devmgr *m = of_host(h);
	struct dev *d = dev_of(m, dd);

	assert(d);
	agent_end_session(d);
	task_device_gone(m, d, why);
	turn_post(m->turn, &(struct farm_event){.kind = FARM_DEVICE_GONE,
				   .u.gone = {.handle = d->handle, .text = why}});
	TAILQ_REMOVE(&m->devs, d, link);
	mem_free(d);
}

static void host_needs_human(
	struct driver_host *h, struct driver_dev *dd, const char *text, bool may_pass)
{
	struct devmgr *m = of_host(h);
	struct dev *d = dev_of(m, dd);

	assert(d);
	turn_post(m->turn,
		&(struct farm_event){.kind = FARM_DEVICE_NEEDS_HUMAN,
			.u.needs_human = {
				.handle = d->handle, .text = text, .authorizing = may_pass}});
}

static void host_op_done(struct driver_host *h, struct driver_op *op)
{
	(void)h;
	task_op_done(op->user);
}

/* ---- life ---- */

struct devmgr *devmgr_new(const struct ctl_env *env, const struct devmgr_config *cfg,
	struct turn *turn, struct ingest *ingest, struct blobs *blobs, struct tools *tools,
	const struct devmgr_ops *ops, void *arg)
{
	struct devmgr *m = mem_zalloc(sizeof(*m));

	m->env = *env;
	str_copy(m->farm_id, sizeof(m->farm_id), cfg->farm_id);
	str_copy(m->data_dir, sizeof(m->data_dir), cfg->data_dir);
	m->turn = turn;
	m->ingest = ingest;
	m->blobs = blobs;
	m->tools = tools;
	m->runtimes = cfg->runtimes;
	m->ops = *ops;
	m->arg = arg;
	m->staged = map_new();
	TAILQ_INIT(&m->running);
	TAILQ_INIT(&m->devs);
	TAILQ_INIT(&m->tasks);
	m->host = (struct driver_host){
		.now_ms = host_now_ms,
		.timer_add = host_timer_add,
		.timer_del = host_timer_del,
		.fd_add = host_fd_add,
		.fd_set = host_fd_set,
		.fd_del = host_fd_del,
		.spawn = host_spawn,
		.child_kill = host_child_kill,
		.blocking = host_blocking,
		.arrived = host_arrived,
		.gone = host_gone,
		.needs_human = host_needs_human,
		.op_done = host_op_done,
	};
	return m;
}

int devmgr_start(struct devmgr *m, const struct driver *drv, const struct driver_option *opts,
	int n_opts, struct err *e)
{
	struct running *r;
	char dir[600];
	int rc;

	snprintf(dir, sizeof(dir), "%s/devices", m->data_dir);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", dir);
	snprintf(dir, sizeof(dir), "%s/devices/%s", m->data_dir, drv->name);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_errno(e, errno, "cannot make the directory %s", dir);
	r = mem_zalloc(sizeof(*r));
	r->m = m;
	r->drv = drv;
	TAILQ_INSERT_TAIL(&m->running, r, link);
	rc = drv->start(&m->host, dir, opts, n_opts, &r->inst, e);
	if (rc) {
		TAILQ_REMOVE(&m->running, r, link);
		mem_free(r);
		return rc;
	}
	log_info("event=driver_started driver=%s", drv->name);
	return 0;
}

int devmgr_address(struct devmgr *m, const char *address, bool add, struct err *e)
{
	struct running *r;

	TAILQ_FOREACH (r, &m->running, link)
		if (r->drv->address)
			return r->drv->address(r->inst, address, add, e);
	return err_set(e, ERR_UNSUPPORTED,
		"no driver that runs here connects to network addresses; the driver is called "
		"adb");
}

void devmgr_addresses(struct devmgr *m,
	void (*each)(void *arg, const char *address, bool kept, const char *trouble), void *arg)
{
	struct running *r;

	TAILQ_FOREACH (r, &m->running, link)
		if (r->drv->addresses)
			r->drv->addresses(r->inst, each, arg);
}

/* Drivers have stopped, and so has what tasks had given to the pool. */
void devmgr_maybe_stopped(struct devmgr *m)
{
	struct running *r;

	if (!m->stopped || !TAILQ_EMPTY(&m->tasks))
		return;
	TAILQ_FOREACH (r, &m->running, link)
		if (!r->stopped)
			return;
	m->stopped(m->stopped_arg);
	m->stopped = NULL;
}

static void driver_stopped(void *arg)
{
	struct running *r = arg;

	r->stopped = true;
	devmgr_maybe_stopped(r->m);
}

static void stop_later(void *arg)
{
	devmgr_maybe_stopped(arg);
}

void devmgr_stop(struct devmgr *m, void (*stopped)(void *arg), void *arg)
{
	struct running *r;
	struct dev *d;

	m->stopping = true;
	m->stopped = stopped;
	m->stopped_arg = arg;
	TAILQ_FOREACH (d, &m->devs, link)
		agent_end_session(d);
	TAILQ_FOREACH (r, &m->running, link)
		r->drv->stop(r->inst, driver_stopped, r);
	m->env.post(m->env.ctx, stop_later, m);
}

void devmgr_free(struct devmgr *m)
{
	struct running *r;
	struct map_item *it;

	if (!m)
		return;
	assert(TAILQ_EMPTY(&m->devs) && TAILQ_EMPTY(&m->tasks));
	while ((r = TAILQ_FIRST(&m->running))) {
		TAILQ_REMOVE(&m->running, r, link);
		mem_free(r);
	}
	while ((it = map_first(m->staged)))
		devmgr_drop_staged(m, map_key(it));
	map_free(m->staged);
	mem_free(m);
}

/* ---- looking up ---- */

struct dev *devmgr_dev(struct devmgr *m, int64_t handle)
{
	struct dev *d;

	TAILQ_FOREACH (d, &m->devs, link)
		if (d->handle == handle)
			return d;
	return NULL;
}

struct dev *devmgr_dev_by_id(struct devmgr *m, int64_t id)
{
	struct dev *d;

	TAILQ_FOREACH (d, &m->devs, link)
		if (d->id == id)
			return d;
	return NULL;
}

void devmgr_drop_staged(struct devmgr *m, int64_t attempt)
{
	struct staged *s = map_del(m->staged, attempt);

	if (!s)
		return;
	mem_free(s->plan);
	rstr_unref(s->record);
	mem_free(s);
}

int devmgr_sessions(const struct devmgr *m)
{
	const struct dev *d;
	int n = 0;

	TAILQ_FOREACH (d, &m->devs, link)
		n += d->session != NULL;
	return n;
}

/* ---- actions ---- */

void devmgr_action(struct devmgr *m, const struct farm_action *a)
{
	struct task *t;

	if (a->cancel) {
		t = task_find(m, a->id);
		if (t)
			task_cancel(t);
		return;
	}
	switch (a->kind) {
	case ACTION_START:
	case ACTION_STOP:
	case ACTION_DISCARD:
		agent_command(m, a);
		break;
	default:
		task_begin(m, a);
	}
}
