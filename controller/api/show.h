/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as JSON, as README.md describes them. Pure; any thread; what is returned is the caller's.
 * Texts in rows came from phones, jobs and agents: they go out as JSON strings and nowhere else.
 */
#ifndef FRAMEFARM_API_SHOW_H
#define FRAMEFARM_API_SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct attempt_row;
struct ctl_progress;
struct device_row;
struct event_row;
struct job_row;
struct json;
struct rstr;
struct run_row;

void show_id(struct json *o, const char *key, char letter, int64_t id); /* null for 0 */
void show_time(struct json *o, const char *key, int64_t wall_ms);       /* null for 0 */
/* A stored JSON text as a member; null when it is empty. */
void show_stored(struct json *o, const char *key, const struct rstr *text);

struct json *show_event(const struct event_row *ev);
struct json *show_progress(const struct ctl_progress *p);

/* Without "runs". links: what its "url" begins with. */
struct json *show_job(const struct job_row *j, const char *links);

/* What a run is shown with beside its row; NULL members are left out or null. */
struct show_run {
	const struct run_row *run;
	const struct job_row *job;           /* name, model */
	const char *model;                   /* of the job's specification */
	const struct device_row *device;     /* NULL: none yet */
	const struct ctl_progress *progress; /* NULL: not live */
	bool full;                           /* with "result", not only its "summary" */
	struct json *attempts;               /* the list, taken; NULL: only their number is shown */
	const char *links;
};

struct json *show_run(const struct show_run *s);
struct json *show_attempt(const struct attempt_row *a);

/* The essence of a stored result for lists: what was judged, against what, and the sentence. */
struct json *show_summary(const struct rstr *result);

struct json *show_device(const struct device_row *d, bool full);
/* What a person can do about the device's state; "" when nothing is to be done. */
const char *show_device_advice(const struct device_row *d);

/* "model": {"name": …} of a job's specification; "" when it has none. */
void show_model_name(const struct rstr *spec, char *dst, unsigned size);

#endif
