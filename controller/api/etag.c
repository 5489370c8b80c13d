/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of answers; see etag.h. */
#include "api/etag.h"

#include <stdio.h>
#include <string.h>

#include "api/http.h"
#include "api/reply.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define DIGITS 16 /* of the digest */

static void add_node(struct hash *h, const struct json *n)
{
	char *text;

	if (!strcmp(json_key(n), "progress"))
		return;
	hash_add(h, json_key(n), strlen(json_key(n)) + 1);
	if (json_is_object(n) || json_is_array(n)) {
		hash_add(h, json_is_object(n) ? "{" : "[", 1);
		JSON_FOREACH (child, n)
			add_node(h, child);
		hash_add(h, "}", 1);
		return;
	}
	text = json_print(n, false);
	hash_add(h, text, strlen(text) + 1);
	mem_free(text);
}

void etag_of(const struct json *body, char dst[ETAG_MAX])
{
	struct hash *h = hash_new();
	char hex[LIMIT_SHA256];

	add_node(h, body);
	hash_finish(h, hex);
	snprintf(dst, ETAG_MAX, "W/\"%.*s\"", DIGITS, hex);
}

void etag_read(const struct req *r, char dst[ETAG_KNOWN_MAX])
{
	const char *s = req_header(r, "If-None-Match");

	if (!s || !str_copy(dst, ETAG_KNOWN_MAX, s))
		dst[0] = '\0';
}

/* By weak comparison, which leaves the W/ out on both sides. */
bool etag_known(const char *if_none_match, const char *tag)
{
	const char *at = if_none_match;
	size_t n;

	if (!strncmp(tag, "W/", 2))
		tag += 2;
	n = strlen(tag);
	while (at && *at) {
		at += strspn(at, " \t,");
		if (!strncmp(at, "W/", 2))
			at += 2;
		if (*at == '*' || (!strncmp(at, tag, n) && strchr(" \t,", at[n])))
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

struct reply *etag_check(struct reply *p, const char *if_none_match)
{
	const char *tag = reply_header_value(p, "ETag");
	struct reply *same;

	if (p->status != 200 || !tag || !etag_known(if_none_match, tag))
		return p;
	same = reply_new(304);
	reply_header(same, "ETag", "%s", tag);
	reply_free(p);
	return same;
}
