/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of answers (RFC 9110, 8.8.3), so that a client that has one already is told so, or waits
 * until there is another. Weak: how far a live run is makes no new version, or there would be two a
 * second. Pool threads and the loop.
 */
#ifndef FRAMEFARM_API_ETAG_H
#define FRAMEFARM_API_ETAG_H

#include <stdbool.h>

struct json;
struct reply;
struct req;

#define ETAG_MAX       24   /* with NUL */
#define ETAG_KNOWN_MAX 1024 /* of an If-None-Match that is looked at, with NUL */

void etag_of(const struct json *body, char dst[ETAG_MAX]);
/* The request's If-None-Match, "" for none and for one that is too long. */
void etag_read(const struct req *r, char dst[ETAG_KNOWN_MAX]);
/* Whether it (NULL or "": none) names the tag. */
bool etag_known(const char *if_none_match, const char *tag);
/* Takes p: what is to be sent to who has that already, p itself or 304. */
struct reply *etag_check(struct reply *p, const char *if_none_match);

#endif
