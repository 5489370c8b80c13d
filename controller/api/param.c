/* SPDX-License-Identifier: Apache-2.0 */
/* Reading paths, queries and small bodies; see param.h. */
#include "api/param.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/http.h"
#include "api/reply.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

/* ---- ids ---- */

void param_id_text(char dst[PARAM_ID], char letter, int64_t id)
{
	snprintf(dst, PARAM_ID, "%c%" PRId64, letter, id);
}

bool param_id_parse(const char *s, char letter, int64_t *ret_id)
{
	int64_t id;

	if (s[0] != letter || s[1] < '1' || s[1] > '9' || !str_to_i64(s + 1, &id))
		return false;
	*ret_id = id;
	return true;
}

bool param_path_id(struct req *r, char letter, const char *what, int64_t *ret_id)
{
	if (param_id_parse(r->param, letter, ret_id))
		return true;
	req_reply(r, reply_problem(404, "not-found", "'%s' is no %s; its id is '%c' and a number",
			     r->param, what, letter));
	return false;
}

/* ---- the query ---- */

static bool bad(struct req *r, const char *name, const char *should)
{
	req_reply(r, reply_problem(400, "invalid-request", "the parameter '%s' should be %s", name,
			     should));
	return false;
}

struct known {
	const char *const *names;
	unsigned seen; /* a bit for each of them */
	char key[64];  /* that is wrong, and why */
	enum { KEY_UNKNOWN = 1, KEY_TWICE, KEY_EMPTY } why;
};

static int check_known(void *arg, const char *key, const char *value)
{
	struct known *k = arg;
	int i = 0;

	while (k->names[i] && strcmp(k->names[i], key) != 0)
		i++;
	if (!k->names[i])
		k->why = KEY_UNKNOWN;
	else if (k->seen & 1u << i)
		k->why = KEY_TWICE;
	else if (!*value)
		k->why = KEY_EMPTY;
	k->seen |= 1u << i;
	str_copy_clean(k->key, sizeof(k->key), key, strlen(key));
	return (int)k->why;
}

bool param_only(struct req *r, const char *const *known)
{
	struct known k = {.names = known};
	char list[256] = "";

	if (!req_each_query(r, check_known, &k))
		return true;
	if (k.why == KEY_TWICE)
		return bad(r, k.key, "there once");
	if (k.why == KEY_EMPTY)
		return bad(r, k.key, "left out, or have a value");
	for (const char *const *n = known; *n; n++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			*list ? ", " : "", *n);
	req_reply(r,
		reply_problem(400, "invalid-request", "there is no parameter '%s' here; known: %s",
			k.key, *list ? list : "none"));
	return false;
}

bool param_int(struct req *r, const char *name, int64_t min, int64_t max, int64_t *ret)
{
	const char *s = req_query(r, name);
	char should[80];
	int64_t v;

	if (!s)
		return true;
	if (str_to_i64(s, &v) && v >= min && v <= max) {
		*ret = v;
		return true;
	}
	snprintf(should, sizeof(should), "a number from %" PRId64 " to %" PRId64, min, max);
	return bad(r, name, should);
}

bool param_id(struct req *r, const char *name, char letter, int64_t *ret_id)
{
	const char *s = req_query(r, name);
	char should[] = "an id such as '?1'";

	if (!s || param_id_parse(s, letter, ret_id))
		return true;
	*strchr(should, '?') = letter;
	return bad(r, name, should);
}

bool param_text(struct req *r, const char *name, char *dst, size_t size)
{
	const char *s = req_query(r, name);

	if (!s)
		return true;
	if (str_is_utf8(s, strlen(s)) && str_copy(dst, size, s))
		return true;
	dst[0] = '\0';
	return bad(r, name, "a shorter text");
}

bool param_state(
	struct req *r, const char *name, const char *(*name_of)(int64_t), int64_t end, int64_t *ret)
{
	const char *s = req_query(r, name);
	char list[256] = "one of";

	if (!s)
		return true;
	for (int64_t i = 1; i < end; i++) {
		if (!strcmp(name_of(i), s)) {
			*ret = i;
			return true;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", name_of(i));
	}
	return bad(r, name, list);
}

bool param_duration(struct req *r, const char *name, int64_t max_ms, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"", 1000}};
	const char *s = req_query(r, name);
	char number[16];
	size_t n;
	int64_t v;

	if (!s)
		return true;
	n = strspn(s, "0123456789");
	if (n && n < sizeof(number) - 4) {
		memcpy(number, s, n);
		number[n] = '\0';
		for (int i = 0; i < 4; i++)
			if (!strcmp(s + n, units[i].unit) && str_to_i64(number, &v)) {
				v *= units[i].ms;
				*ret_ms = v < max_ms ? v : max_ms;
				return true;
			}
	}
	return bad(r, name, "a duration such as 30s");
}

bool param_page(struct req *r, struct param_page *ret_p)
{
	const char *cursor = req_query(r, "cursor");

	*ret_p = (struct param_page){.limit = API_PAGE_DEFAULT};
	if (!param_int(r, "limit", 1, API_PAGE_MAX, &ret_p->limit))
		return false;
	cursor_scope(r, ret_p->scope);
	if (!cursor || cursor_read(cursor, ret_p->scope, &ret_p->at))
		return true;
	return bad(r, "cursor",
		"the `next` of the page before, with the same filters; leave it out to begin anew");
}

/* ---- a body ---- */

struct reason {
	char text[LIMIT_VALUE];
};

bool param_reason(struct req *r, char *dst, size_t size)
{
	static const struct json_field fields[] = {
		{"reason", JSON_WANT_TEXT, offsetof(struct reason, text), LIMIT_VALUE},
	};
	struct reason reason = {""};
	struct json_doc *doc;
	struct err e = {0};
	int rc;

	if (!r->body.len) {
		dst[0] = '\0';
		return true;
	}
	doc = json_parse(buf_text(&r->body), r->body.len, &e);
	rc = doc ? json_read(doc, json_root(doc), "request", fields, 1, &reason, &e) : e.code;
	json_doc_free(doc);
	if (rc) {
		e.code = ERR_PARSE;
		req_reply(r, reply_error(&e));
		return false;
	}
	str_copy_clean(dst, size, reason.text, strlen(reason.text));
	return true;
}
