/* SPDX-License-Identifier: Apache-2.0 */
/* Writing OpenMetrics text: families, values, escaped labels. Pure. */
#ifndef FRAMEFARM_API_METRICS_H
#define FRAMEFARM_API_METRICS_H

#include <stdint.h>

struct buf;

/*
 * The older text format (0.0.4) of what was written here, for who does not ask for OpenMetrics: a
 * counter's family is called as its values are, an info is a gauge, units and the end are left out.
 */
void metrics_to_classic(struct buf *dst, const char *text);
/* Which of the two an Accept header (NULL: none) wants; METRICS_NEITHER for one that takes neither. */
enum metrics_format { METRICS_OPEN, METRICS_CLASSIC, METRICS_NEITHER };
enum metrics_format metrics_accepted(const char *accept);

/* Begins a family "framefarm_<name>"; its values follow. unit: the last word of the name, or
 * NULL. */
void metric(struct buf *b, const char *name, const char *type, const char *help, const char *unit);
/* A family of one value; a counter's name gets its _total. */
void metric_i(struct buf *b, const char *name, const char *type, const char *help, int64_t v);
void metric_f(struct buf *b, const char *name, const char *type, const char *help, const char *unit,
	double v);
/* A float as the specification wants it in a label: 0.016, 1.0. Nine digits. */
void metric_number(struct buf *b, double v);
/* The inside of a label's quotes. */
void metric_escape(struct buf *b, const char *s);

#endif
