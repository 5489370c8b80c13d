/* SPDX-License-Identifier: Apache-2.0 */
/* People, who ask for jobs, leases and devices; and what they were told. */
#ifndef FRAMEFARM_SIM_PEOPLE_H
#define FRAMEFARM_SIM_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

struct farm_answer;
struct farm_event;
struct people;
struct sim;

enum ask { ASK_NONE, ASK_JOB, ASK_LEASE, ASK_OTHER };

struct people *people_new(struct sim *s);
void people_free(struct people *p);
void people_act(struct people *p, int64_t number); /* the deed of that number */
void people_flood(struct people *p);               /* they ask until the queue is full */
void people_answer(struct people *p, const struct farm_answer *a);
void people_peace(struct people *p); /* cancel what is paused, release what is reserved */
void people_crash(struct people *p); /* their open requests are never answered */
void people_final(struct people *p); /* every request was answered */
/* Hands in a request; what comes of it is told to oracle and trace. Returns 0 or why not. */
int people_request(struct people *p, struct farm_event *ev, enum ask what);

struct job_shape {
	int variants, count, rounds, max_rounds, retries, priority; /* count 0: all */
	const char *selector;
	const char *key; /* of idempotency; NULL: one of its own */
};
int people_submit(struct people *p, const struct job_shape *shape);

#endif
