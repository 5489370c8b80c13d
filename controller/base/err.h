/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of error codes, and the error that a person will read.
 *
 * A function that can fail returns 0 or one of these codes (always negative). Where a person will
 * read the reason, it also takes a `struct err *` (NULL is allowed) and fills it; callers on the
 * way up add context with err_wrap(). Low layers return, the layer that stops an error logs it.
 * Any thread.
 */
#ifndef FRAMEFARM_BASE_ERR_H
#define FRAMEFARM_BASE_ERR_H

#define ERR_LIST(X)                                                                                \
	X(NOMEM, -1, "out of memory")                                                              \
	X(INVAL, -2, "invalid argument")                                                           \
	X(RANGE, -3, "out of range")                                                               \
	X(PARSE, -4, "malformed input")                                                            \
	X(NOTFOUND, -5, "not found")                                                               \
	X(EXISTS, -6, "already exists")                                                            \
	X(BUSY, -7, "busy")                                                                        \
	X(PERM, -8, "not permitted")                                                               \
	X(IO, -9, "input/output error")                                                            \
	X(NOSPACE, -10, "no space left")                                                           \
	X(TIMEOUT, -11, "timed out")                                                               \
	X(CANCELLED, -12, "cancelled")                                                             \
	X(GONE, -13, "device gone")                                                                \
	X(PROTO, -14, "protocol violation")                                                        \
	X(VERSION, -15, "unsupported version")                                                     \
	X(FULL, -16, "queue full")                                                                 \
	X(TOOBIG, -17, "too large")                                                                \
	X(UNSUPPORTED, -18, "not supported")                                                       \
	X(CONFLICT, -19, "conflict")                                                               \
	X(CORRUPT, -20, "corrupt data")                                                            \
	X(WRONGSTATE, -21, "not possible in this state")                                           \
	X(CONSTRAINT, -22, "constraint violated")                                                  \
	X(UNREACHABLE, -23, "unreachable")                                                         \
	X(SYS, -24, "system error")                                                                \
	X(REMOVED, -25, "removed, because it was kept long enough")

enum err_code {
	ERR_OK = 0,
#define ERR_ENUM(name, num, text) ERR_##name = num,
	ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

#define ERR_TEXT_MAX 640

struct err {
	int code; /* 0 or an enum err_code */
	char text
		[ERR_TEXT_MAX]; /* a whole sentence of UTF-8: what it quotes has lost its control characters */
};

/* The short English text of a code; "success" for 0, "unknown error" for a foreign one. */
const char *err_name(int code);

/* Sets *e (if not NULL) and returns the code, so that `return err_set(e, …);` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": <strerror(errnum)>" behind the text and the code that fits errnum. */
int err_errno(struct err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<fmt>: " before the present text and returns the present code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code of the list that fits an errno value. */
int err_from_errno(int errnum);

#endif
