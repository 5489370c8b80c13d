/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of lists; see cursor.h. */
#include "api/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "base/hash.h"
#include "base/mem.h"

#define SUM 16 /* digits of the digest that are kept */

/* Each parameter's digest is added to the whole, so that their order does not matter. */
struct scope {
	uint64_t sum;
};

static uint64_t digest(const char *key, const char *value)
{
	char *text = mem_printf("%s=%s", key, value), hex[LIMIT_SHA256];

	hash_bytes(text, strlen(text), hex);
	mem_free(text);
	hex[SUM] = '\0';
	return strtoull(hex, NULL, 16);
}

static int add_param(void *arg, const char *key, const char *value)
{
	struct scope *s = arg;

	if (strcmp(key, "limit") != 0 && strcmp(key, "cursor") != 0)
		s->sum += digest(key, value);
	return 0;
}

void cursor_scope(const struct req *r, char dst[CURSOR_SCOPE])
{
	struct scope s = {digest("path", r->path)};

	req_each_query(r, add_param, &s);
	snprintf(dst, CURSOR_SCOPE, "%016" PRIx64, s.sum);
}

void cursor_write(char dst[CURSOR_MAX], const char *scope, const struct cursor *c)
{
	char *text = mem_printf("%s %" PRId64 " %" PRId64, scope, c->id, c->item);
	char hex[LIMIT_SHA256];

	hash_bytes(text, strlen(text), hex);
	mem_free(text);
	snprintf(dst, CURSOR_MAX, "%" PRIx64 "-%" PRIx64 "-%.*s", (uint64_t)c->id,
		(uint64_t)c->item, SUM, hex);
}

/* What it says is written once more, and must be what came. */
bool cursor_read(const char *text, const char *scope, struct cursor *ret_c)
{
	uint64_t id, item;
	char again[CURSOR_MAX];
	struct cursor c;

	if (strlen(text) >= CURSOR_MAX || sscanf(text, "%" SCNx64 "-%" SCNx64 "-", &id, &item) != 2)
		return false;
	c = (struct cursor){(int64_t)id, (int64_t)item};
	if (c.id < 1 || c.item < 0)
		return false;
	cursor_write(again, scope, &c);
	if (strcmp(again, text) != 0)
		return false;
	*ret_c = c;
	return true;
}
