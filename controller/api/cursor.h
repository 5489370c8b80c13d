/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a page of a list ended, as text for the client to bring back: a place and the list that it
 * belongs to, with a sum over both. Nothing is kept here, so a cursor is good after a restart. The sum
 * is no secret; it keeps a damaged cursor, or that of another list, from being taken for a place.
 */
#ifndef FRAMEFARM_API_CURSOR_H
#define FRAMEFARM_API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#define CURSOR_MAX   64 /* with NUL */
#define CURSOR_SCOPE 65 /* a list: its path and filters, as a digest */

struct req;

struct cursor {
	int64_t id;   /* of the last row that was given; 0: none yet */
	int64_t item; /* of several within a row, the number of those that were given */
};

/* The list that r asks for: path and query, but for limit and cursor. */
void cursor_scope(const struct req *r, char dst[CURSOR_SCOPE]);
void cursor_write(char dst[CURSOR_MAX], const char *scope, const struct cursor *c);
/* False for anything that cursor_write() has not made for this list. */
bool cursor_read(const char *text, const char *scope, struct cursor *ret_c);

#endif
