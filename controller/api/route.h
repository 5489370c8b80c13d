/* SPDX-License-Identifier: Apache-2.0 */
/* The table of everything that can be asked for. /openapi.json is held against it by a test. */
#ifndef FRAMEFARM_API_ROUTE_H
#define FRAMEFARM_API_ROUTE_H

#include <stddef.h>

#include "api/auth.h"
#include "api/http.h"

#define ROUTE_JSON   1  /* takes a JSON body, which may be absent; handle() finds it in r->body */
#define ROUTE_UPLOAD 2  /* streams its body: begin() is called for the head */
#define ROUTE_PAGE   4  /* a page or a file of the dashboard: no data, not in /openapi.json */
#define ROUTE_LIVE   8  /* never ends by itself: no HEAD */
#define ROUTE_QUERY  16 /* its handler reads the query; of the others one is refused */
#define ROUTE_PROBE  32 /* answered while the daemon stops, too */

struct route {
	enum method method;
	const char *pattern;           /* one {…} at most, a whole segment */
	void (*handle)(struct req *r); /* in ready() */
	enum role role;                /* ROLE_NONE: anybody */
	unsigned flags;
	const struct route_upload *upload;
};

struct route_upload {
	void (*begin)(struct req *r); /* in head(), when all checks have passed */
	void (*body)(struct req *r, const void *data, size_t n);
};

extern const struct route routes[]; /* closed by one without pattern */

/* Finds the route, and in r->param what stands for its {…}. NULL: none has this path, or (allow not
 * empty) none this method: allow is then the Allow header's value. */
const struct route *route_find(struct req *r, char *allow, size_t size);

#endif
