/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libusb inside the host's event loop, and what the other usb*.c stand on: contexts, devices, work for
 * the pool.
 *
 * libusb's descriptors go into an epoll of our own, and that one descriptor into the host's loop.
 * libusb_open() and libusb_close() add and remove descriptors on the pool's threads, where the host
 * must not be called, and close them there; an epoll may be changed by any thread.
 *
 * Contexts are freed in usb_find_turn() alone, never inside a callback of libusb's.
 */
#include "drivers/adb/usb.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/adb/usb_internal.h"

#define POOL_RETRY_MS 100

/* ---- timers ---- */

void usb_timer(
	struct adb_usb *u, struct host_timer **t, int64_t ms, void (*fn)(void *arg), void *arg)
{
	if (!*t)
		*t = u->h->timer_add(u->h, u->h->now_ms(u->h) + ms, fn, arg);
}

void usb_untimer(struct adb_usb *u, struct host_timer **t)
{
	if (*t)
		u->h->timer_del(u->h, *t);
	*t = NULL;
}

static void sweep_ctxs(struct adb_usb *u);
static void check_stopped(struct adb_usb *u);

static void on_soon(void *arg)
{
	struct adb_usb *u = arg;

	u->soon = NULL;
	usb_find_turn(u);
	sweep_ctxs(u);
	check_stopped(u);
}

void usb_soon(struct adb_usb *u)
{
	usb_timer(u, &u->soon, 0, on_soon, u);
}

/* ---- work for the pool ---- */

static void job_work(void *arg)
{
	struct usb_job *j = arg;

	j->work(j);
}

static void job_done(void *arg)
{
	struct usb_job *j = arg;
	struct adb_usb *u = j->u;
	struct adb_usb_dev *d = j->d;

	u->jobs--;
	j->done(j);
	if (d)
		usb_dev_unref(d);
	if (u->stopping)
		usb_soon(u);
}

static void job_submit(void *arg)
{
	struct usb_job *j = arg;
	struct driver_host *h = j->u->h;

	/* The pool is bounded and shared: when it is full we come back. */
	if (h->blocking(h, job_work, job_done, j))
		h->timer_add(h, h->now_ms(h) + POOL_RETRY_MS, job_submit, j);
}

void usb_job_start(struct adb_usb *u, struct adb_usb_dev *d, struct usb_job *j,
	void (*work)(struct usb_job *j), void (*done)(struct usb_job *j))
{
	*j = (struct usb_job){u, d, work, done};
	u->jobs++;
	if (d)
		d->refs++;
	job_submit(j);
}

/* ---- libusb's descriptors and timeouts ---- */

static void fd_added(int fd, short events, void *user)
{
	struct adb_usb *u = user;
	struct epoll_event ev = {0};

	ev.events = (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u);
	ev.data.fd = fd;
	epoll_ctl(u->epfd, EPOLL_CTL_ADD, fd, &ev);
}

static void fd_removed(int fd, void *user)
{
	struct adb_usb *u = user;

	epoll_ctl(u->epfd, EPOLL_CTL_DEL, fd, NULL);
}

static void handle_events(struct adb_usb *u);

static void on_timeout(void *arg)
{
	struct adb_usb *u = arg;

	u->timeouts = NULL;
	handle_events(u);
}

/* Where libusb has no timerfd it must be called when a timeout of its own is due. */
static void arm_timeout(struct adb_usb *u, struct usb_ctx *ctx)
{
	struct timeval tv;

	if (libusb_pollfds_handle_timeouts(ctx->c) || libusb_get_next_timeout(ctx->c, &tv) != 1)
		return;
	usb_timer(u, &u->timeouts, tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000, on_timeout, u);
}

static void handle_events(struct adb_usb *u)
{
	struct timeval zero = {0};

	for (struct usb_ctx *ctx = u->ctxs; ctx; ctx = ctx->next) {
		libusb_handle_events_timeout_completed(ctx->c, &zero, NULL);
		arm_timeout(u, ctx);
	}
}

static void on_events(void *arg, unsigned events)
{
	(void)events;
	handle_events(arg);
}

/* ---- contexts ---- */

void usb_ctx_add(struct adb_usb *u, struct usb_ctx *ctx)
{
	const struct libusb_pollfd **fds;

	ctx->u = u;
	ctx->next = u->ctxs;
	u->ctxs = ctx;
	libusb_set_pollfd_notifiers(ctx->c, fd_added, fd_removed, u);
	fds = libusb_get_pollfds(ctx->c);
	for (int i = 0; fds && fds[i]; i++)
		fd_added(fds[i]->fd, fds[i]->events, u);
	libusb_free_pollfds(fds);
}

struct exit_job {
	struct usb_job job;
	struct usb_ctx *ctx;
};

static void exit_work(struct usb_job *job)
{
	libusb_exit(((struct exit_job *)job)->ctx->c);
}

static void exit_done(struct usb_job *job)
{
	mem_free(((struct exit_job *)job)->ctx);
	mem_free(job);
}

/* Those that nobody uses. */
static void sweep_ctxs(struct adb_usb *u)
{
	struct usb_ctx **at = &u->ctxs;

	while (*at) {
		struct usb_ctx *ctx = *at;
		struct exit_job *x;

		if (ctx->users) {
			at = &ctx->next;
			continue;
		}
		*at = ctx->next;
		x = mem_zalloc(sizeof(*x));
		x->ctx = ctx;
		usb_job_start(u, NULL, &x->job, exit_work, exit_done);
	}
}

/* ---- devices ---- */

struct adb_usb_dev *usb_dev_add(struct usb_ctx *ctx, libusb_device *usb)
{
	struct adb_usb *u = ctx->u;
	struct adb_usb_dev *d, **at = &u->devs;

	if (u->n_devs == ADB_USB_DEVS)
		return NULL;
	d = mem_zalloc(sizeof(*d));
	while (*at)
		at = &(*at)->next;
	*at = d;
	u->n_devs++;
	d->u = u;
	d->refs = 1;
	d->ctx = ctx;
	ctx->users++;
	d->usb = libusb_ref_device(usb);
	d->on_bus = true;
	d->bus = libusb_get_bus_number(usb);
	d->addr = libusb_get_device_address(usb);
	snprintf(d->node, sizeof(d->node), "/dev/bus/usb/%03u/%03u", d->bus, d->addr);
	usb_soon(u);
	return d;
}

void usb_dev_unref(struct adb_usb_dev *d)
{
	if (--d->refs)
		return;
	libusb_unref_device(d->usb);
	d->ctx->users--;
	usb_soon(d->u);
	mem_free(d);
}

const struct adb_usb_info *adb_usb_info(const struct adb_usb_dev *d)
{
	return &d->info;
}

void *adb_usb_user(const struct adb_usb_dev *d)
{
	return d->user;
}

void adb_usb_set_user(struct adb_usb_dev *d, void *user)
{
	d->user = user;
}

int usb_err(int rc)
{
	switch (rc) {
	case LIBUSB_SUCCESS:
		return 0;
	case LIBUSB_ERROR_ACCESS:
		return ERR_PERM;
	case LIBUSB_ERROR_NO_DEVICE:
		return ERR_GONE;
	case LIBUSB_ERROR_BUSY:
		return ERR_BUSY;
	case LIBUSB_ERROR_NO_MEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

/* ---- the whole ---- */

static void on_start(void *arg)
{
	struct adb_usb *u = arg;

	u->soon = NULL;
	usb_find_start(u);
}

int adb_usb_new(struct driver_host *h, const struct adb_usb_config *cfg,
	const struct adb_usb_events *events, void *arg, struct adb_usb **ret_u, struct err *e)
{
	struct adb_usb *u;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "cannot watch USB");
	u = mem_zalloc(sizeof(*u));
	*u = (struct adb_usb){.h = h, .cfg = *cfg, .events = events, .arg = arg, .epfd = fd};
	if (!u->cfg.server_port)
		u->cfg.server_port = 5037;
	u->watch = h->fd_add(h, fd, HOST_FD_READ, on_events, u);
	usb_timer(u, &u->soon, 0, on_start, u);
	*ret_u = u;
	return 0;
}

/* The last act: no device, no context, no work. A context is in use as long as a device or a pipe of
 * it lives. */
static void check_stopped(struct adb_usb *u)
{
	if (!u->stopping || u->jobs || u->ctxs)
		return;
	usb_untimer(u, &u->soon);
	usb_untimer(u, &u->timeouts);
	u->h->fd_del(u->h, u->watch);
	close(u->epfd);
	u->stopped(u->stopped_arg);
	mem_free(u);
}

void adb_usb_stop(struct adb_usb *u, void (*stopped)(void *arg), void *arg)
{
	assert(!u->stopping);
	u->stopping = true;
	u->stopped = stopped;
	u->stopped_arg = arg;
	usb_untimer(u, &u->soon);
	usb_untimer(u, &u->scan);
	usb_untimer(u, &u->look);
	usb_find_stop(u);
	usb_soon(u);
}
