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

static int match(const struct json *devices, const char *called, char ret_id[LIMIT_NAME])
{
	int found = 0;

	JSON_FOREACH (d, devices) {
		const char *id = json_str(json_get(d, "id"));

		if (strcmp(json_str(json_get(d, "name")), called) &&
			strcmp(json_str(json_get(d, "key")), called))
			continue;
		str_copy(ret_id, LIMIT_NAME, id);
		found++;
	}
	return found;
}

int device_find(struct client *c, const char *called, char ret_id[LIMIT_NAME], struct err *e)
{
	struct client_pages p = {.path = "/api/v1/devices", .page = PAGE};
	struct json_doc *d;
	int found = 0, rc;

	if (is_id(called)) {
		if (!str_copy(ret_id, LIMIT_NAME, called))
			return err_set(e, ERR_INVAL, "\"%.40s…\" is no device", called);
		return 0;
	}
	while ((rc = client_page(c, &p, &d, e)) > 0) {
		found += match(json_get(json_root(d), "devices"), called, ret_id);
		json_doc_free(d);
	}
	if (rc < 0)
		return rc;
	if (!found)
		return err_set(e, ERR_NOTFOUND,
			"no device is called \"%.80s\"; see `framefarm device list`", called);
	if (found > 1)
		return err_set(e, ERR_CONFLICT, "%d devices are called \"%.80s\"; take the id",
			found, called);
	return 0;
}
