/* SPDX-License-Identifier: Apache-2.0 */
/* Writing OpenMetrics text: families, values, escaped labels. Pure. */
#ifndef FRAMEFARM_API_METRICS_H
#define FRAMEFARM_API_METRICS_H

#include <stdint.h>

struct buf;

/* Begins a family "framefarm_<name>"; its values follow. unit: the last word of the name, or
 * NULL. */
void metric(struct buf *b, const char *name, const char *type, const char *help, const char *unit);
/* A family of one value; a counter's name gets its _total. */
void metric_i(struct buf *b, const char *name, const char *type, const char *help, int64_t v);
void metric_f(struct buf *b, const char *name, const char *type, const char *help, const char *unit,
	double v);
/* The inside of a label's quotes. */
void metric_escape(struct buf *b, const char *s);

#endif
