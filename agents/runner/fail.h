/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something did not go: what PROTO_DONE will carry. A function that can fail returns 0 or -1
 * and fills a `struct fail` that the caller gives; callers on the way up add context. What the
 * runtime or a model's author wrote into a message is foreign text and is cleaned on its way in.
 * Any thread.
 */
#ifndef FRAMEFARM_RUNNER_FAIL_H
#define FRAMEFARM_RUNNER_FAIL_H

#include <stddef.h>

#include "msg.h"
#include "plan.h"

#define FAIL_TEXT MSG_CAUSE

struct fail {
	int outcome;          /* enum outcome */
	char text[FAIL_TEXT]; /* a sentence, no newline */
};

/* Both return -1, so `return fail_set(f, OUTCOME_X, "…", …);` reads well. */
int fail_set(struct fail *f, int outcome, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "<fmt>: " before the present text. */
int fail_wrap(struct fail *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Copies foreign text as one printable ASCII line: terminal sequences go, other bytes outside
 * 0x20…0x7e become a space or '?', runs of blanks collapse. Of a text that is too long the begin
 * and the end stay, for the runtime names the place first and the reason last. */
void text_clean(char *dst, size_t size, const char *src);
/* Copies a model's name into a form that may stand in a fact's key: letters, digits and _./:- stay,
 * the rest becomes '_'. */
void text_key(char *dst, size_t size, const char *src);

#endif
