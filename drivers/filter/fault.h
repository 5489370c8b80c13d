/* SPDX-License-Identifier: Apache-2.0 */
/* What the fault filter's two files share: devices, operations under way, and streams. */
#ifndef FRAMEFARM_DRIVERS_FILTER_FAULT_H
#define FRAMEFARM_DRIVERS_FILTER_FAULT_H

#include "drivers/filter/wrap.h"

struct fault_dev {
	struct fault_dev *next;
	struct fault *f;
	struct driver_dev *dev;
	char where[LIMIT_NAME];
	bool lost;  /* unplugged by us: nothing reaches it any more */
	bool told;  /* and its host knows */
	int n_busy; /* operations and streams that must end before it may know */
	int64_t back_ms;
	struct host_timer *back;
	const char *why; /* the wrapped driver's words, when it is its doing */
};

struct fault_op {
	struct fault_op *next;
	struct fault *f;
	struct driver_op *op;
	struct fault_dev *dev;
	const struct filter_fault *rule; /* that strikes it, or NULL */
	bool held;                       /* with us, not with the wrapped driver */
	struct host_timer *timer;
};

struct fault_stream;

struct fault {
	struct wrap *w;
	int n_rules;
	struct filter_fault rules[FILTER_FAULT_MAX];
	int seen[FILTER_FAULT_MAX], struck[FILTER_FAULT_MAX];
	struct fault_dev *devs;
	struct fault_op *ops;
	struct fault_stream *streams;
};

/* fault.c: tells that a lost device is gone, once nothing of it is left. Never from inside a call
 * of the host's. */
void fault_check_gone(struct fault *f, struct fault_dev *d);

/* fault_stream.c */
/* A stream around `in`, which it takes. bytes: ends behind so many with code; negative: never. */
struct stream *fault_stream_new(
	struct fault *f, struct fault_dev *d, struct stream *in, int64_t bytes, int code);
void fault_streams_lose(struct fault *f, struct fault_dev *d);
/* Reports those that were cut; the wrapped driver has closed the others. */
void fault_streams_end(struct fault *f, struct fault_dev *d);
/* Gives up a stream that nobody has received. */
void fault_stream_drop(struct stream *in);

#endif
