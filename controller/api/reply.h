/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as data: status, headers, and a body that is text, somebody else's memory, or a source
 * of bytes. Pool threads build answers too, so nothing here knows a connection. One owner.
 */
#ifndef FRAMEFARM_API_REPLY_H
#define FRAMEFARM_API_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct json;

#define REPLY_HEADERS 6

#define TYPE_JSON    "application/json"
#define TYPE_PROBLEM "application/problem+json"
#define TYPE_TEXT    "text/plain; charset=utf-8"

/* A body whose bytes come over time; loop thread only. */
struct source {
	/* Up to max bytes into dst: their number; 0 when there are none yet (req_wake() when there
	 * are); SOURCE_END or SOURCE_BROKEN. */
	ssize_t (*read)(void *arg, char *dst, size_t max);
	/* The wait for bytes has reached its deadline, see req_wait_until(). */
	void (*expired)(void *arg);
	/* The request is over. */
	void (*free)(void *arg);
};

#define SOURCE_END    (-1)
#define SOURCE_BROKEN (-2)

struct reply {
	int status;
	const char *type; /* a literal, NULL: no body */
	const void *body;
	size_t len;
	bool owned; /* body is freed with mem_free() */
	bool close; /* the connection ends behind it; what is left of a body is not read */
	const struct source *source; /* instead of body */
	void *source_arg;
	int n_headers;
	struct {
		const char *name; /* a literal */
		char *value;
	} headers[REPLY_HEADERS];
};

struct reply *reply_new(int status);
void reply_free(struct reply *p); /* NULL is allowed; its source's free() too */

struct reply *reply_json(int status, struct json *body);                        /* takes body */
struct reply *reply_take(int status, const char *type, char *body, size_t len); /* takes body */
struct reply *reply_static(int status, const char *type, const void *body, size_t len);
struct reply *reply_source(const char *type, const struct source *s, void *arg); /* 200 */
void reply_header(struct reply *p, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

const char *reply_header_value(const struct reply *p, const char *name); /* NULL when absent */

/*
 * A problem document (RFC 9457). `kind` is the last word of its type, a literal such as
 * "invalid-job"; the sentence says what to do.
 */
struct reply *reply_problem(int status, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with more members: `more` is an object whose members are added; takes it. */
struct reply *reply_problem_with(int status, const char *kind, struct json *more, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* What an error of the list means to a client; busy and full ones carry Retry-After. */
struct reply *reply_error(const struct err *e);

const char *reply_phrase(int status); /* "Not Found" */

#endif
