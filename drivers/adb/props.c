/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a phone; see props.h. */
#include "drivers/adb/props.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

struct adb_props {
	struct map *map;
};

static void put(struct adb_props *p, const char *key, size_t n_key, const char *value, size_t n)
{
	char k[LIMIT_VALUE], v[LIMIT_CAUSE];

	if (!n_key || map_count(p->map) >= ADB_PROPS_MAX)
		return;
	str_copy_clean(k, sizeof(k), key, n_key);
	str_copy_clean(v, sizeof(v), value, n);
	if (!map_get_str(p->map, k))
		map_put_str(p->map, k, mem_strdup(v));
}

/* "[ro.product.model]: [Pixel 8]" */
static bool bracketed(struct adb_props *p, const char *line, size_t n)
{
	const char *mid;

	if (n < 2 || *line != '[' || line[n - 1] != ']')
		return false;
	for (mid = line; strncmp(mid, "]: [", 4) != 0; mid++)
		if (mid + 4 >= line + n - 1)
			return false;
	put(p, line + 1, mid - line - 1, mid + 4, line + n - 1 - (mid + 4));
	return true;
}

static void take_line(struct adb_props *p, const char *line, size_t n)
{
	const char *eq;

	if (n && line[n - 1] == '\r')
		n--;
	if (bracketed(p, line, n))
		return;
	eq = memchr(line, '=', n);
	if (eq && strncmp(line, "ff.", 3) == 0)
		put(p, line, eq - line, eq + 1, line + n - (eq + 1));
}

struct adb_props *adb_props_parse(const void *text, size_t n)
{
	struct adb_props *p = mem_zalloc(sizeof(*p));
	const char *at = n ? text : "", *end = at + n;

	p->map = map_new();
	while (at < end) {
		const char *nl = memchr(at, '\n', end - at);
		size_t len = (nl ? nl : end) - at;

		take_line(p, at, len);
		at += len + 1;
	}
	return p;
}

void adb_props_free(struct adb_props *p)
{
	for (struct map_item *it = map_first(p->map); it; it = map_next(it))
		mem_free(map_value(it));
	map_free(p->map);
	mem_free(p);
}

const char *adb_props_get(const struct adb_props *p, const char *key)
{
	const char *v = map_get_str(p->map, key);

	return v ? v : "";
}
