/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON; see json.h. Before cJSON sees the text, comments are blanked in a copy, and a scan bounds
 * depth and number of nodes, refuses doubled keys and notes the line of every node in document
 * order. cJSON keeps that order, so a walk over its tree ties each node to its line.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define INT_EXACT 9007199254740992.0 /* 2^53 */

struct node_line {
	const cJSON *node;
	int line;
};

struct json_doc {
	cJSON *root;
	struct node_line *lines; /* sorted by node */
	size_t n_lines;
};

/* ---- comments ---- */

/* Returns the index behind the string that opens at i. */
static size_t string_end(const char *t, size_t n, size_t i)
{
	for (i++; i < n && t[i] != '"' && t[i] != '\n'; i++)
		if (t[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

static void blank(char *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (t[i] != '\n')
			t[i] = ' ';
}

static int line_at(const char *t, size_t pos)
{
	int line = 1;

	for (size_t i = 0; i < pos; i++)
		line += t[i] == '\n';
	return line;
}

static int blank_comments(char *t, size_t n, struct err *e)
{
	size_t i = 0, end;
	const char *close;

	while (i < n) {
		if (t[i] == '"') {
			i = string_end(t, n, i);
		} else if (t[i] == '/' && i + 1 < n && t[i + 1] == '/') {
			close = memchr(t + i, '\n', n - i);
			end = close ? (size_t)(close - t) : n;
			blank(t, i, end);
			i = end;
		} else if (t[i] == '/' && i + 1 < n && t[i + 1] == '*') {
			close = memmem(t + i + 2, n - i - 2, "*/", 2);
			if (!close)
				return err_set(e, ERR_PARSE,
					"line %d: this comment is never closed", line_at(t, i));
			end = close - t + 2;
			blank(t, i, end);
			i = end;
		} else {
			i++;
		}
	}
	return 0;
}

/* ---- the scan ---- */

struct key {
	const char *text;
	size_t len;
	int depth;
};

struct scan {
	const char *text;
	size_t n;
	int depth;
	char open[LIMIT_JSON_DEPTH + 1];
	bool key_next[LIMIT_JSON_DEPTH + 1]; /* the next string of this object is a key */
	int *lines;                          /* of each node, in document order */
	size_t n_lines;
	int key_line;     /* of the key whose value comes next, or 0 */
	struct key *keys; /* of the objects that are open, innermost last */
	size_t n_keys, cap_keys;
	struct err *err;
};

static int scan_node(struct scan *s, int line)
{
	if (s->n_lines >= LIMIT_JSON_NODES)
		return err_set(
			s->err, ERR_TOOBIG, "line %d: more than %d values", line, LIMIT_JSON_NODES);
	s->lines[s->n_lines++] = s->key_line ? s->key_line : line;
	s->key_line = 0;
	return 0;
}

static int scan_open(struct scan *s, char c, int line)
{
	int rc = scan_node(s, line);

	if (rc)
		return rc;
	if (s->depth >= LIMIT_JSON_DEPTH)
		return err_set(s->err, ERR_TOOBIG, "line %d: nested deeper than %d levels", line,
			LIMIT_JSON_DEPTH);
	s->depth++;
	s->open[s->depth] = c;
	s->key_next[s->depth] = c == '{';
	return 0;
}

static void scan_close(struct scan *s)
{
	if (!s->depth)
		return; /* cJSON refuses it */
	while (s->n_keys && s->keys[s->n_keys - 1].depth == s->depth)
		s->n_keys--;
	s->depth--;
}

/* Keys are compared as written; an escaped spelling of one key beside a plain one is caught by
 * json_read(), which asks for each key once. */
static int scan_key(struct scan *s, const char *text, size_t len, int line)
{
	for (size_t i = s->n_keys; i-- && s->keys[i].depth == s->depth;)
		if (s->keys[i].len == len && !memcmp(s->keys[i].text, text, len))
			return err_set(s->err, ERR_EXISTS,
				"line %d: the key \"%.*s\" is there twice; remove one of them",
				line, (int)(len > 64 ? 64 : len), text);
	if (s->n_keys == s->cap_keys) {
		s->cap_keys = s->cap_keys ? 2 * s->cap_keys : 64;
		s->keys = mem_realloc(s->keys, s->cap_keys, sizeof(*s->keys));
	}
	s->keys[s->n_keys++] = (struct key){text, len, s->depth};
	s->key_next[s->depth] = false;
	s->key_line = line;
	return 0;
}

static int scan_string(struct scan *s, size_t *pos, int line)
{
	size_t begin = *pos + 1, end = string_end(s->text, s->n, *pos);

	*pos = end;
	if (s->depth && s->open[s->depth] == '{' && s->key_next[s->depth])
		return scan_key(s, s->text + begin, end - begin - 1, line);
	return scan_node(s, line);
}

static bool is_scalar(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '+' || c == '.';
}

static int scan(struct scan *s)
{
	size_t i = 0;
	int line = 1, rc = 0;

	while (i < s->n && !rc) {
		char c = s->text[i];

		if (c == '"') {
			rc = scan_string(s, &i, line);
			continue;
		}
		if (is_scalar(c)) {
			rc = scan_node(s, line);
			while (i < s->n && is_scalar(s->text[i]))
				i++;
			continue;
		}
		if (c == '\n')
			line++;
		else if (c == '{' || c == '[')
			rc = scan_open(s, c, line);
		else if (c == '}' || c == ']')
			scan_close(s);
		else if (c == ',' && s->depth && s->open[s->depth] == '{')
			s->key_next[s->depth] = true;
		i++;
	}
	return rc;
}

/* ---- lines ---- */

static int by_node(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct node_line *)a)->node;
	uintptr_t y = (uintptr_t)((const struct node_line *)b)->node;

	return x < y ? -1 : x > y;
}

/* Depth is bounded by the scan, so the recursion is too. */
static void collect_lines(struct json_doc *d, const cJSON *node, const int *lines, size_t n)
{
	if (d->n_lines < n) {
		d->lines[d->n_lines] = (struct node_line){node, lines[d->n_lines]};
		d->n_lines++;
	}
	for (const cJSON *c = node->child; c; c = c->next)
		collect_lines(d, c, lines, n);
}

static int cjson_parse(struct json_doc *d, const char *text, size_t n, struct err *e)
{
	const char *end = NULL;
	size_t pos;

	/* cJSON reads up to the NUL when asked to check for trailing text. */
	d->root = cJSON_ParseWithLengthOpts(text, n + 1, &end, 1);
	if (d->root)
		return 0;
	pos = end ? (size_t)(end - text) : 0;
	if (pos >= n)
		return err_set(e, ERR_PARSE, "line %d: the text ends before the JSON does",
			line_at(text, n));
	return err_set(e, ERR_PARSE, "line %d: this is not JSON, near \"%.*s\"", line_at(text, pos),
		(int)strcspn(text + pos, "\r\n") > 24 ? 24 : (int)strcspn(text + pos, "\r\n"),
		text + pos);
}

struct json_doc *json_parse(const char *text, size_t n, struct err *e)
{
	struct json_doc *d;
	struct scan s = {.n = n, .err = e};
	char *copy;

	if (n > LIMIT_JSON_BYTES) {
		err_set(e, ERR_TOOBIG, "%zu bytes of JSON; at most %d are read", n,
			LIMIT_JSON_BYTES);
		return NULL;
	}
	if (!str_is_utf8(text, n) || memchr(text, '\0', n)) {
		err_set(e, ERR_PARSE, "this is not UTF-8 text");
		return NULL;
	}
	d = mem_zalloc(sizeof(*d));
	copy = mem_alloc(n + 1);
	memcpy(copy, text, n);
	copy[n] = '\0';
	s.text = copy;
	/* Each value takes a byte at least. */
	s.lines = mem_alloc((n < LIMIT_JSON_NODES ? n + 1 : LIMIT_JSON_NODES) * sizeof(int));
	if (blank_comments(copy, n, e) || scan(&s) || cjson_parse(d, copy, n, e)) {
		json_doc_free(d);
		d = NULL;
	} else {
		d->lines = mem_alloc((s.n_lines + 1) * sizeof(*d->lines));
		collect_lines(d, d->root, s.lines, s.n_lines);
		qsort(d->lines, d->n_lines, sizeof(*d->lines), by_node);
	}
	mem_free(s.lines);
	mem_free(s.keys);
	mem_free(copy);
	return d;
}

void json_doc_free(struct json_doc *d)
{
	if (!d)
		return;
	cJSON_Delete(d->root);
	mem_free(d->lines);
	mem_free(d);
}

const struct json *json_root(const struct json_doc *d)
{
	return (const struct json *)d->root;
}

int json_line(const struct json_doc *d, const struct json *node)
{
	struct node_line want = {.node = (const cJSON *)node}, *hit;

	if (!d)
		return 0;
	hit = bsearch(&want, d->lines, d->n_lines, sizeof(want), by_node);
	return hit ? hit->line : 0;
}

/* ---- nodes ---- */

static const cJSON *C(const struct json *n)
{
	return (const cJSON *)n;
}

bool json_is_object(const struct json *n)
{
	return cJSON_IsObject(C(n));
}

bool json_is_array(const struct json *n)
{
	return cJSON_IsArray(C(n));
}

bool json_is_string(const struct json *n)
{
	return cJSON_IsString(C(n));
}

bool json_is_number(const struct json *n)
{
	return cJSON_IsNumber(C(n));
}

bool json_is_bool(const struct json *n)
{
	return cJSON_IsBool(C(n));
}

bool json_is_true(const struct json *n)
{
	return cJSON_IsTrue(C(n));
}

bool json_is_null(const struct json *n)
{
	return cJSON_IsNull(C(n));
}

const char *json_type_name(const struct json *n)
{
	if (!n)
		return "nothing";
	if (json_is_object(n))
		return "an object";
	if (json_is_array(n))
		return "an array";
	if (json_is_string(n))
		return "a string";
	if (json_is_number(n))
		return "a number";
	if (json_is_bool(n))
		return "true or false";
	return "null";
}

const struct json *json_first(const struct json *n)
{
	return n ? (const struct json *)C(n)->child : NULL;
}

const struct json *json_next(const struct json *n)
{
	return (const struct json *)C(n)->next;
}

const char *json_key(const struct json *n)
{
	return C(n)->string ? C(n)->string : "";
}

const struct json *json_get(const struct json *obj, const char *key)
{
	return (const struct json *)cJSON_GetObjectItemCaseSensitive(C(obj), key);
}

int json_count(const struct json *n)
{
	return cJSON_GetArraySize(C(n));
}

const char *json_str(const struct json *n)
{
	return json_is_string(n) ? C(n)->valuestring : "";
}

double json_num(const struct json *n)
{
	return json_is_number(n) ? C(n)->valuedouble : 0;
}

bool json_int(const struct json *n, int64_t *ret_v)
{
	double v;

	if (json_is_string(n))
		return str_to_i64(C(n)->valuestring, ret_v);
	if (!json_is_number(n))
		return false;
	v = C(n)->valuedouble;
	if (v != floor(v) || fabs(v) > INT_EXACT)
		return false;
	*ret_v = (int64_t)v;
	return true;
}

/* ---- reading by a table ---- */

struct reader {
	const struct json_doc *doc;
	const char *what;
	struct err *err;
};

static int wrong_type(struct reader *r, const struct json *n, const char *wanted)
{
	return err_set(r->err, ERR_PARSE, "line %d: \"%s\" of %s must be %s, not %s",
		json_line(r->doc, n), json_key(n), r->what, wanted, json_type_name(n));
}

static int read_text(struct reader *r, const struct json_field *f, const struct json *n, char *dst)
{
	const char *s = json_str(n);

	if (!json_is_string(n))
		return wrong_type(r, n, "a string");
	if (f->want == JSON_WANT_NAME && !str_is_name(s))
		return err_set(r->err, ERR_PARSE,
			"line %d: \"%s\" of %s must be a name of letters, digits and . _ : + @ -, "
			"at most %d long",
			json_line(r->doc, n), f->key, r->what, LIMIT_NAME - 1);
	if (strlen(s) < (size_t)f->min || strlen(s) >= f->size)
		return err_set(r->err, ERR_RANGE, "line %d: \"%s\" of %s must have %d to %zu bytes",
			json_line(r->doc, n), f->key, r->what, (int)f->min, f->size - 1);
	str_copy(dst, f->size, s);
	return 0;
}

static int read_number(
	struct reader *r, const struct json_field *f, const struct json *n, void *dst)
{
	int64_t i = 0;
	double v;

	if (f->want == JSON_WANT_INT) {
		if (!json_int(n, &i))
			return wrong_type(r, n, "a whole number");
		v = i;
	} else {
		if (!json_is_number(n))
			return wrong_type(r, n, "a number");
		v = json_num(n);
	}
	if (!(v >= f->min && v <= f->max))
		return err_set(r->err, ERR_RANGE,
			"line %d: \"%s\" of %s is %.15g; it must be from %.15g to %.15g",
			json_line(r->doc, n), f->key, r->what, v, f->min, f->max);
	if (f->want == JSON_WANT_INT)
		*(int64_t *)dst = i;
	else
		*(double *)dst = v;
	return 0;
}

static int read_enum(struct reader *r, const struct json_field *f, const struct json *n, int *dst)
{
	char all[256] = "";
	size_t len = 0;

	if (!json_is_string(n))
		return wrong_type(r, n, "a string");
	for (int i = 0; f->words[i]; i++) {
		if (!strcmp(f->words[i], json_str(n))) {
			*dst = i;
			return 0;
		}
		len += strlen(f->words[i]) + 2;
		if (len < sizeof(all)) {
			strcat(all, i ? ", " : "");
			strcat(all, f->words[i]);
		}
	}
	return err_set(r->err, ERR_PARSE,
		"line %d: \"%s\" of %s is \"%.40s\"; it must be one of %s", json_line(r->doc, n),
		f->key, r->what, json_str(n), all);
}

static int read_field(struct reader *r, const struct json_field *f, const struct json *n, char *out)
{
	void *dst = out + f->off;

	switch (f->want) {
	case JSON_WANT_TEXT:
	case JSON_WANT_NAME:
		return read_text(r, f, n, dst);
	case JSON_WANT_INT:
	case JSON_WANT_NUM:
		return read_number(r, f, n, dst);
	case JSON_WANT_BOOL:
		if (!json_is_bool(n))
			return wrong_type(r, n, "true or false");
		*(bool *)dst = json_is_true(n);
		return 0;
	case JSON_WANT_ENUM:
		return read_enum(r, f, n, dst);
	case JSON_WANT_OBJECT:
		if (!json_is_object(n))
			return wrong_type(r, n, "an object");
		break;
	case JSON_WANT_ARRAY:
		if (!json_is_array(n))
			return wrong_type(r, n, "an array");
		if (f->max > 0 && json_count(n) > f->max)
			return err_set(r->err, ERR_RANGE,
				"line %d: \"%s\" of %s has %d elements; at most %d are allowed",
				json_line(r->doc, n), f->key, r->what, json_count(n), (int)f->max);
		break;
	case JSON_WANT_ANY:
		break;
	}
	*(const struct json **)dst = n;
	return 0;
}

int json_read(const struct json_doc *d, const struct json *obj, const char *what,
	const struct json_field *fields, int n_fields, void *out, struct err *e)
{
	struct reader r = {d, what, e};
	uint64_t seen = 0;

	if (!json_is_object(obj))
		return err_set(e, ERR_PARSE, "line %d: %s must be an object, not %s",
			json_line(d, obj), what, json_type_name(obj));
	JSON_FOREACH (n, obj) {
		int i, rc;

		for (i = 0; i < n_fields && strcmp(fields[i].key, json_key(n)); i++)
			;
		if (i == n_fields)
			return err_set(e, ERR_PARSE, "line %d: %s has no key \"%.64s\"",
				json_line(d, n), what, json_key(n));
		if (seen & (1ULL << i))
			return err_set(e, ERR_EXISTS, "line %d: the key \"%s\" is there twice",
				json_line(d, n), json_key(n));
		seen |= 1ULL << i;
		rc = read_field(&r, &fields[i], n, out);
		if (rc)
			return rc;
	}
	for (int i = 0; i < n_fields; i++)
		if (fields[i].required && !(seen & (1ULL << i)))
			return err_set(e, ERR_PARSE, "line %d: %s lacks the key \"%s\"",
				json_line(d, obj), what, fields[i].key);
	return 0;
}

/* ---- building ---- */

static struct json *built(cJSON *n)
{
	if (!n)
		abort(); /* out of memory, as in mem.c */
	return (struct json *)n;
}

struct json *json_new_object(void)
{
	return built(cJSON_CreateObject());
}

struct json *json_new_array(void)
{
	return built(cJSON_CreateArray());
}

struct json *json_new_string(const char *s)
{
	return built(s ? cJSON_CreateString(s) : cJSON_CreateNull());
}

struct json *json_new_int(int64_t v)
{
	char text[24];
	int neg = v < 0, n = sizeof(text) - 1;
	uint64_t u = neg ? 0 - (uint64_t)v : (uint64_t)v;

	/* cJSON prints with 15 digits where that is within a relative epsilon, so what needs 16
	 * goes
	 * in as text. */
	if (u < 1000000000000000)
		return built(cJSON_CreateNumber((double)v));
	text[n] = '\0';
	for (uint64_t left = u; left; left /= 10)
		text[--n] = '0' + left % 10;
	if (neg)
		text[--n] = '-';
	if (u <= (uint64_t)INT_EXACT)
		return built(cJSON_CreateRaw(text + n));
	return built(cJSON_CreateString(text + n));
}

void json_free(struct json *n)
{
	cJSON_Delete((cJSON *)n);
}

void json_add(struct json *obj, const char *key, struct json *child)
{
	if (!cJSON_AddItemToObject((cJSON *)obj, key, (cJSON *)child))
		abort();
}

void json_push(struct json *arr, struct json *child)
{
	if (!cJSON_AddItemToArray((cJSON *)arr, (cJSON *)child))
		abort();
}

void json_add_str(struct json *obj, const char *key, const char *s)
{
	json_add(obj, key, json_new_string(s));
}

void json_add_int(struct json *obj, const char *key, int64_t v)
{
	json_add(obj, key, json_new_int(v));
}

void json_add_num(struct json *obj, const char *key, double v)
{
	json_add(obj, key, built(isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull()));
}

void json_add_bool(struct json *obj, const char *key, bool v)
{
	json_add(obj, key, built(cJSON_CreateBool(v)));
}

void json_add_null(struct json *obj, const char *key)
{
	json_add(obj, key, built(cJSON_CreateNull()));
}

struct json *json_dup(const struct json *n)
{
	return built(cJSON_Duplicate(C(n), 1));
}

char *json_print(const struct json *n, bool pretty)
{
	char *s = pretty ? cJSON_Print(C(n)) : cJSON_PrintUnformatted(C(n));

	if (!s)
		abort();
	return s; /* cJSON's allocator is malloc, so mem_free() fits */
}
