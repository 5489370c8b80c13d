/* SPDX-License-Identifier: Apache-2.0 */
/* The route table; see route.h. A new resource is a file, its lines here, and its paths in
 * openapi.json. */
#include "api/route.h"

#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "base/str.h"

#define API "/api/v1"

const struct route routes[] = {
	{METHOD_GET, "/healthz", health_live, ROLE_NONE, ROUTE_PROBE},
	{METHOD_GET, "/readyz", health_ready, ROLE_NONE, ROUTE_PROBE},
	{METHOD_GET, "/metrics", metrics_get, ROLE_VIEWER, 0},
	{METHOD_GET, "/openapi.json", openapi_get, ROLE_VIEWER, 0},

	{METHOD_POST, API "/session", login_post, ROLE_NONE, ROUTE_JSON},
	{METHOD_GET, API "/session", login_get, ROLE_VIEWER, 0},
	{METHOD_DELETE, API "/session", login_delete, ROLE_NONE, 0},

	{METHOD_POST, API "/jobs", job_submit, ROLE_CI, ROUTE_JSON},
	{METHOD_GET, API "/jobs", jobs_list, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/jobs/{job}", jobs_get, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_POST, API "/jobs/{job}/cancel", jobs_cancel, ROLE_CI, ROUTE_JSON},
	{METHOD_POST, API "/jobs/{job}/retry", job_retry_post, ROLE_CI, ROUTE_JSON},
	{METHOD_POST, API "/jobs/{job}/pin", pins_pin, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/jobs/{job}/unpin", pins_unpin, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_GET, API "/jobs/{job}/artifacts", artifacts_job, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/jobs/{job}/logs", logs_job, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/jobs/{job}/events", events_job, ROLE_VIEWER, ROUTE_LIVE | ROUTE_QUERY},

	{METHOD_GET, API "/runs", runs_list, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/runs/{run}", runs_get, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/runs/{run}/series", series_get, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/runs/{run}/samples", samples_get, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/runs/{run}/logs", logs_run, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/runs/{run}/artifacts", artifacts_run, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/attempts/{attempt}/artifact", artifacts_get, ROLE_VIEWER, ROUTE_QUERY},

	{METHOD_GET, API "/devices", devices_list, ROLE_VIEWER, ROUTE_QUERY},
	{METHOD_GET, API "/devices/{device}", devices_get, ROLE_VIEWER, 0},
	{METHOD_POST, API "/devices/{device}/quarantine", devices_quarantine, ROLE_ENGINEER,
		ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/release", devices_release, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/retire", devices_retire, ROLE_ADMIN, ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/detach", devices_detach, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/attach", devices_attach, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/install", devices_install, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/devices/{device}/provision", devices_provision, ROLE_ENGINEER,
		ROUTE_JSON},

	{METHOD_GET, API "/addresses", addresses_list, ROLE_VIEWER, 0},
	{METHOD_POST, API "/addresses/connect", addresses_connect, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_POST, API "/addresses/disconnect", addresses_disconnect, ROLE_ENGINEER, ROUTE_JSON},

	{METHOD_GET, API "/runtimes", runtimes_get, ROLE_VIEWER, 0},
	{METHOD_POST, API "/runtimes", runtimes_post, ROLE_ENGINEER, ROUTE_JSON},
	{METHOD_DELETE, API "/runtimes/{runtime}", runtimes_delete, ROLE_ENGINEER, 0},

	{METHOD_GET, API "/backup", backups_get, ROLE_ADMIN, 0},
	{METHOD_POST, API "/backup", backups_post, ROLE_ADMIN, ROUTE_JSON},

	{METHOD_GET, API "/events", events_get, ROLE_VIEWER, ROUTE_LIVE | ROUTE_QUERY},

	{METHOD_HEAD, API "/files/{sha256}", files_head, ROLE_CI, 0},
	{METHOD_PUT, API "/files/{sha256}", files_put, ROLE_CI, ROUTE_UPLOAD, &files_upload},

	{METHOD_GET, "/", static_get, ROLE_NONE, ROUTE_PAGE},
	{METHOD_GET, "/runs/{run}", static_get, ROLE_NONE, ROUTE_PAGE},
	{METHOD_GET, "/devices", static_get, ROLE_NONE, ROUTE_PAGE},
	{METHOD_GET, "/login", static_get, ROLE_NONE, ROUTE_PAGE},
	{METHOD_GET, "/favicon.ico", static_get, ROLE_NONE, ROUTE_PAGE},
	{METHOD_GET, "/assets/{file}", static_get, ROLE_NONE, ROUTE_PAGE},
	{0},
};

/* Whether path fits pattern; what stands for {…} goes to param. */
static bool fits(const char *pattern, const char *path, char *param, size_t size)
{
	const char *open = strchr(pattern, '{'), *close;
	size_t n;

	if (!open)
		return !strcmp(pattern, path);
	if (strncmp(pattern, path, open - pattern))
		return false;
	path += open - pattern;
	close = strchr(open, '}') + 1;
	n = strcspn(path, "/");
	if (!n || n >= size || strcmp(path + n, close))
		return false;
	memcpy(param, path, n);
	param[n] = '\0';
	return true;
}

static void allow_add(char *allow, size_t size, enum method m)
{
	size_t n = strlen(allow);

	snprintf(allow + n, size - n, "%s%s", n ? ", " : "", method_name(m));
}

const struct route *route_find(struct req *r, char *allow, size_t size)
{
	const struct route *get = NULL;

	allow[0] = '\0';
	for (const struct route *t = routes; t->pattern; t++) {
		if (!fits(t->pattern, r->path, r->param, sizeof(r->param)))
			continue;
		if (t->method == r->method)
			return t;
		if (t->method == METHOD_GET && !(t->flags & ROUTE_LIVE))
			get = t;
		allow_add(allow, size, t->method);
		if (t->method == METHOD_GET && !(t->flags & ROUTE_LIVE))
			allow_add(allow, size, METHOD_HEAD);
	}
	if (*allow)
		allow_add(allow, size, METHOD_OPTIONS);
	return r->method == METHOD_HEAD ? get : NULL;
}
