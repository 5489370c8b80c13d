/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's path and query say, read strictly: an unknown or malformed parameter is refused
 * by name. Functions that return false have answered the request.
 */
#ifndef FRAMEFARM_API_PARAM_H
#define FRAMEFARM_API_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/cursor.h"

#define PARAM_ID 24 /* "j" and a number, with NUL */

struct req;

void param_id_text(char dst[PARAM_ID], char letter, int64_t id); /* "j17" */
/* "j17" with that letter; false for anything else. */
bool param_id_parse(const char *s, char letter, int64_t *ret_id);

/* The id in the path. Answers 404 when it is none. */
bool param_path_id(struct req *r, char letter, const char *what, int64_t *ret_id);

/* Answers 400 when the query holds another parameter than those (NULL-terminated, at most 31), one
 * without a value, or one twice. */
bool param_only(struct req *r, const char *const *known);

/* Each leaves *ret as it was when the parameter is absent, and answers 400 when it is malformed. */
bool param_int(struct req *r, const char *name, int64_t min, int64_t max, int64_t *ret);
bool param_id(struct req *r, const char *name, char letter, int64_t *ret_id);
bool param_text(struct req *r, const char *name, char *dst, size_t size);
/* A state by its name: name_of() gives the names of 1 … end - 1. */
bool param_state(struct req *r, const char *name, const char *(*name_of)(int64_t), int64_t end,
	int64_t *ret);
/* "30s", "500ms", "2m", or seconds without a unit. */
bool param_duration(struct req *r, const char *name, int64_t max_ms, int64_t *ret_ms);

/* limit and cursor of a list. */
struct param_page {
	int64_t limit;
	struct cursor at; /* zero: the first page */
	char scope[CURSOR_SCOPE];
};

bool param_page(struct req *r, struct param_page *ret_p);

/* The body of an optional {"reason": "…"}; "" when absent. */
bool param_reason(struct req *r, char *dst, size_t size);

#endif
