/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the build put into the program: the dashboard's, and /openapi.json. The table comes
 * from etc/build/embed.sh. Constant.
 */
#ifndef FRAMEFARM_API_ASSET_H
#define FRAMEFARM_API_ASSET_H

#include <stddef.h>

struct asset {
	const char *name; /* without folder: "run.js" */
	const char *type; /* media type */
	const char *etag; /* quoted SHA-256 of the content */
	const unsigned char *data, *end;
};

extern const struct asset assets[]; /* closed by one without name */

const struct asset *asset_find(const char *name); /* static.c; NULL when there is none */

#endif
