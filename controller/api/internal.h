/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API's files share: its state, work on pool threads, requests into the controller's turn,
 * and what happens, as it is told to listeners. Loop thread only, but for a task's work.
 */
#ifndef FRAMEFARM_API_INTERNAL_H
#define FRAMEFARM_API_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "api/bounds.h"
#include "api/listen.h"
#include "api/reply.h"

struct auth;
struct ctl;
struct ctl_progress;
struct ctl_watch;
struct err;
struct event_row;
struct farm_answer;
struct farm_event;
struct http;
struct map;
struct rate;
struct req;
struct rstr;
struct spread;
struct store_reader;
struct task;
struct upload;

struct api {
	struct ctl *ctl;
	struct http *http;
	struct auth *auth;
	struct rate *known_rate, *anonymous_rate;
	struct map *keys; /* Idempotency-Keys of submissions that are being answered */
	struct listen_names names;
	char *cert, *key; /* PEM texts */
	char host[LISTEN_HOST_MAX], public_host[LISTEN_HOST_MAX];
	int port;
	struct rstr *url, *links; /* our address; what links begin with */
	char *token_path;
	bool draining;
	LIST_HEAD(task_list, task) tasks;
	LIST_HEAD(upload_list, upload) uploads;
	int n_tasks, n_waiters, n_watchers, n_uploads;
	struct ctl_watch *watch;
	struct live *live;
	LIST_HEAD(listener_list, listener) listeners;
	const struct spread *turns, *turns_processor; /* the loop's, or NULL */
	uint64_t rate_limited;     /* requests that were refused for coming too often */
	uint64_t watchers_dropped; /* times that a slow watcher was sent to replay */
};

int64_t api_now_ms(const struct api *a); /* monotonic */

/* ---- work on pool threads (task.c) ---- */

/* What a pool thread may touch. */
struct task_env {
	struct store_reader *reader;
	struct ctl *ctl; /* for what its header says may be called on any thread */
	struct live *live;
	const char *links; /* what links in answers begin with */
};

struct task_kind {
	/* On a pool thread. Its answer, or NULL when `done` makes one. */
	struct reply *(*work)(const struct task_env *env, void *args);
	/* On the loop thread; takes p (NULL or an answer, which may also say that no reader was
	 * to be had). Not called for a task that was abandoned. */
	void (*done)(void *owner, void *args, struct reply *p);
	void (*free)(void *args); /* once, behind done(); NULL: mem_free() */
};

/* Takes args. NULL and *e (ERR_FULL) when there is no room; args are then freed. */
struct task *task_start(
	struct api *a, const struct task_kind *k, void *owner, void *args, struct err *e);
/* Its owner is gone; NULL is allowed. */
void task_abandon(struct task *t);
void task_abandon_all(struct api *a); /* the API is going */

/* In ready(): answers r with what k->work makes of args (taken). k->done may be NULL (the reply is
 * sent as it is), or is called with r as owner and must answer or wait on. */
void req_read(struct req *r, const struct task_kind *k, void *args);
/* The same with another deadline than API_READ_MS. */
void req_read_for(struct req *r, const struct task_kind *k, void *args, int64_t ms);

/* ---- requests into the turn (ask.c) ---- */

/* Puts ev into the turn; answered(r, answer) comes while r lives, else nobody is called. Errors (no
 * room, store not writable, no answer in time) are answered here. */
void req_ask(struct req *r, const struct farm_event *ev,
	void (*answered)(struct req *r, const struct farm_answer *a));
/* The same with another deadline than API_ANSWER_MS. */
void req_ask_for(struct req *r, const struct farm_event *ev, int64_t ms,
	void (*answered)(struct req *r, const struct farm_answer *a));
/* The answer's error as a reply. */
struct reply *ask_refused(const struct farm_answer *a);

/* ---- what is live (live.c): the latest progress of each run; any thread ---- */

struct live;
struct live *live_new(void);
struct live *live_ref(struct live *l);
void live_unref(struct live *l); /* NULL is allowed */
void live_put(struct live *l, const struct ctl_progress *p);
void live_drop(struct live *l, int64_t run);
bool live_get(struct live *l, int64_t run, struct ctl_progress *ret_p);
/* Of the run that a device is busy with. */
bool live_get_device(struct live *l, int64_t device, struct ctl_progress *ret_p);

/* ---- what happens (hub.c) ---- */

/* text: the server-sent event, whole; take a reference to keep it. */
struct listener {
	LIST_ENTRY(listener) entry;
	void (*event)(struct listener *l, const struct event_row *ev, struct rstr *text);
	void (*progress)(
		struct listener *l, const struct ctl_progress *p, struct rstr *text); /* NULL
	                                                                                  allowed */
	void (*drain)(struct listener *l); /* end what you do */
};

void hub_start(struct api *a);
void hub_stop(struct api *a);
void hub_drain(struct api *a);
void hub_add(struct api *a, struct listener *l);
void hub_del(struct listener *l);
/* One stored event as text, for replay too. */
struct rstr *hub_event_text(const struct event_row *ev);
/* That what followed `after` cannot be told; the next event is `from` or a later one. */
struct rstr *hub_gap_text(int64_t after, int64_t from, const char *why);

#endif
