/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of server-sent events (HTML standard, 9.2): bytes in as they come, events out. A line or
 * an event beyond its bound is dropped, since the next one may be fine. One owner, no I/O.
 */
#ifndef FRAMEFARM_CMD_SSE_H
#define FRAMEFARM_CMD_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define SSE_LINE_MAX 16384
#define SSE_DATA_MAX 65536
#define SSE_NAME_MAX 64

struct sse_event {
	const char *name; /* "message" when the stream gave none */
	const char *data;
	size_t len;
};

struct sse {
	struct buf line, data;
	bool line_lost, data_lost; /* beyond the bound */
	bool after_cr;             /* a '\n' that follows belongs to the '\r' before */
	char name[SSE_NAME_MAX];
	char last_id[SSE_NAME_MAX]; /* for Last-Event-ID; kept over sse_reset() */
};

void sse_init(struct sse *s);
void sse_fini(struct sse *s);
void sse_reset(struct sse *s); /* a new connection: half an event is forgotten */
/* Calls fn for each event that is complete; false from fn stops and is returned. */
bool sse_feed(struct sse *s, const char *bytes, size_t n,
	bool (*fn)(void *arg, const struct sse_event *ev), void *arg);

#endif
