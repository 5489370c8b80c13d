/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A controller that is none, behind farm/ctl.h: it has the real store, answers requests by a few
 * simple rules, and does on command what the real one does by itself. Its clock can be moved, its
 * pool of threads and its answers can be held back. The browser tests' server uses it too.
 */
#ifndef FRAMEFARM_TEST_API_SUPPORT_CTL_H
#define FRAMEFARM_TEST_API_SUPPORT_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "farm/ctl.h"

struct row_table;

/* dir: an empty directory of the test's own. Panics when anything fails. */
struct ctl *fake_new(const char *dir);
void fake_free(struct ctl *c); /* after the API */

/* The loop: when the descriptor is readable, fake_run() calls what was posted. */
int fake_fd(const struct ctl *c);
void fake_run(struct ctl *c);

void fake_advance(struct ctl *c, int64_t ms);   /* time passes */
void fake_hold_pool(struct ctl *c, bool on);    /* threads take no work */
bool fake_pool_idle(const struct ctl *c);       /* every piece of work is done */
void fake_hold_answers(struct ctl *c, bool on); /* requests are not answered */
/* Lets go of those that were held, with this answer. */
void fake_answer_all(struct ctl *c, int rc, const char *text);
void fake_refuse(struct ctl *c, int rc);               /* ctl_request() returns this; 0: works */
void fake_break_store(struct ctl *c, const char *why); /* in ctl_health; NULL: well again */
int fake_forgotten(const struct ctl *c);               /* askers that went away */
int fake_uploads_open(const struct ctl *c);            /* begun, neither finished nor aborted */
/* From now on nothing that is asked for is kept, and work is done where it is asked for, on the loop's
 * thread: the same requests find the same answers, however often they come. */
void fake_freeze(struct ctl *c);

/* Stores a row, now. */
void fake_put(struct ctl *c, const struct row_table *t, const void *row);
void fake_del(struct ctl *c, const struct row_table *t, int64_t id);
/* Stores an event and tells the watches. Returns its id. */
int64_t fake_event(struct ctl *c, const char *topic, int64_t subject, int64_t job, const char *from,
	const char *to);
void fake_progress(struct ctl *c, const struct ctl_progress *p);
/* A file is there. */
void fake_blob(struct ctl *c, const char *sha256, int64_t bytes);

#endif
