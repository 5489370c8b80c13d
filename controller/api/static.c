/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard's files, for everybody: there is no data in them. Browsers keep them and ask each
 * time whether they are still the same, so a new daemon's pages are never mixed with old ones. */
#include "api/handlers.h"

#include <string.h>

#include "api/asset.h"
#include "api/etag.h"
#include "api/http.h"
#include "api/internal.h"

#define ASSETS "/assets/"

/* Pages by path; a pattern of the route table stands for its first segment. */
static const struct page {
	const char *path, *file;
} pages[] = {
	{"/", "index.html"},
	{"/runs/", "run.html"},
	{"/devices", "devices.html"},
	{"/login", "login.html"},
	{"/favicon.ico", "favicon.svg"},
};

const struct asset *asset_find(const char *name)
{
	for (const struct asset *a = assets; a->name; a++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}

static const struct asset *asset_of(const struct req *r)
{
	if (!strncmp(r->path, ASSETS, sizeof(ASSETS) - 1))
		return asset_find(r->param);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		size_t n = strlen(pages[i].path);
		bool prefix = n > 1 && pages[i].path[n - 1] == '/';

		if (prefix ? !strncmp(r->path, pages[i].path, n) : !strcmp(r->path, pages[i].path))
			return asset_find(pages[i].file);
	}
	return NULL;
}

void static_get(struct req *r)
{
	const struct asset *a = asset_of(r);
	const char *known = req_header(r, "If-None-Match");
	struct reply *p;

	if (!a) {
		req_reply(r, reply_problem(404, "not-found", "there is no such file"));
		return;
	}
	if (etag_known(known, a->etag))
		p = reply_new(304);
	else
		p = reply_static(200, a->type, a->data, a->end - a->data);
	reply_header(p, "ETag", "%s", a->etag);
	reply_header(p, "Cache-Control", "no-cache");
	req_reply(r, p);
}
