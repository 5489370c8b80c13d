/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a device; see device.h. */
#include "cmd/device.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd/client.h"

#define PAGE 50

static bool is_id(const char *s)
{
	return s[0] == 'd' && s[1] && strspn(s + 1, "0123456789") == strlen(s + 1);
}

/* A phone that was wiped is another device of the same name, and the one it was stays, retired: that
 * one is meant by its name only where nobody else is. */
struct matches {
	int n[2]; /* in use, retired */
	char id[2][LIMIT_NAME];
};

static void match(struct matches *m, const struct json *devices, const char *called)
{
	JSON_FOREACH (d, devices) {
		int retired = !strcmp(json_str(json_get(d, "state")), "retired");

		if (strcmp(json_str(json_get(d, "name")), called) &&
			strcmp(json_str(json_get(d, "key")), called))
			continue;
		str_copy(m->id[retired], LIMIT_NAME, json_str(json_get(d, "id")));
		m->n[retired]++;
	}
}

int device_find(struct client *c, const char *called, char ret_id[LIMIT_NAME], struct err *e)
{
	struct client_pages p = {.path = "/api/v1/devices", .page = PAGE};
	struct matches m = {.n = {0, 0}};
	struct json_doc *d;
	int found, which, rc;

	if (is_id(called)) {
		if (!str_copy(ret_id, LIMIT_NAME, called))
			return err_set(e, ERR_INVAL, "\"%.40s…\" is no device", called);
		return 0;
	}
	while ((rc = client_page(c, &p, &d, e)) > 0) {
		match(&m, json_get(json_root(d), "devices"), called);
		json_doc_free(d);
	}
	if (rc < 0)
		return rc;
	which = !m.n[0];
	found = m.n[which];
	if (!found)
		return err_set(e, ERR_NOTFOUND,
			"no device is called \"%.80s\"; see `framefarm device list`", called);
	if (found > 1)
		return err_set(e, ERR_CONFLICT, "%d devices are called \"%.80s\"; take the id",
			found, called);
	str_copy(ret_id, LIMIT_NAME, m.id[which]);
	return 0;
}
