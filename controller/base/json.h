/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON through cJSON, with what cJSON lacks: comments (// and slash-star) are blanked before
 * parsing so that line numbers stay true, doubled keys and trailing text are refused, depth and
 * size are bounded before memory is spent, and every node knows its line. An integer beyond 2^53 is
 * written as a string. No other room includes cJSON's header. Any thread; a document has one owner.
 */
#ifndef FRAMEFARM_BASE_JSON_H
#define FRAMEFARM_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct json; /* a node; belongs to its document, or to whoever built it */
struct json_doc;

/* ---- reading ---- */

/* Parses n bytes. On failure returns NULL with ERR_PARSE, ERR_TOOBIG or ERR_EXISTS (a doubled key)
 * and a sentence that names the line. The text is not kept. */
struct json_doc *json_parse(const char *text, size_t n, struct err *e);
void json_doc_free(struct json_doc *d); /* NULL is allowed */
const struct json *json_root(const struct json_doc *d);
/* The line (from 1) on which the node, or its key, begins; 0 for a foreign node. */
int json_line(const struct json_doc *d, const struct json *node);

bool json_is_object(const struct json *n);
bool json_is_array(const struct json *n);
bool json_is_string(const struct json *n);
bool json_is_number(const struct json *n);
bool json_is_bool(const struct json *n);
bool json_is_true(const struct json *n);
bool json_is_null(const struct json *n);
const char *json_type_name(const struct json *n); /* "object", "array", "string", … */

const struct json *json_first(const struct json *n); /* first child, or NULL */
const struct json *json_next(const struct json *n);
const char *json_key(const struct json *n); /* "" for an array's element */
const struct json *json_get(const struct json *obj, const char *key); /* NULL when absent */
int json_count(const struct json *n);
const char *json_str(const struct json *n); /* "" when it is no string */
double json_num(const struct json *n);      /* 0 when it is no number */
/* A whole number within ±2^53, or a string of decimal digits beyond it; false otherwise. */
bool json_int(const struct json *n, int64_t *ret_v);

#define JSON_FOREACH(it, n) for (const struct json *it = json_first(n); it; it = json_next(it))

/* ---- reading an object by a table ---- */

enum json_want {
	JSON_WANT_TEXT,   /* a string into char[size]; min is its least length (0 or 1) */
	JSON_WANT_NAME,   /* as str_is_name(), into char[size] */
	JSON_WANT_INT,    /* int64_t within min…max */
	JSON_WANT_NUM,    /* double within min…max */
	JSON_WANT_BOOL,   /* bool */
	JSON_WANT_ENUM,   /* int: the index of the word in `words` (NULL-terminated) */
	JSON_WANT_OBJECT, /* const struct json *, borrowed from the document */
	JSON_WANT_ARRAY,  /* const struct json *, at most max elements (0: LIMIT_JSON_NODES) */
	JSON_WANT_ANY,    /* const struct json * */
};

struct json_field {
	const char *key;
	enum json_want want;
	size_t off;
	size_t size; /* of a TEXT or NAME */
	double min, max;
	const char *const *words; /* of an ENUM */
	bool required;
};

/*
 * Reads the members of `obj` into the struct at `out`. What is absent stays untouched, so defaults
 * are whatever `out` held. Unknown keys, wrong types, values out of range and missing required
 * keys are refused with a sentence that names key and line; `what` names the object in it ("job",
 * "runner"). Returns 0, ERR_PARSE or ERR_RANGE.
 */
int json_read(const struct json_doc *d, const struct json *obj, const char *what,
	const struct json_field *fields, int n_fields, void *out, struct err *e);

/* ---- building ---- */

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *s);
struct json *json_new_int(int64_t v);
void json_free(struct json *n); /* a whole tree that was built; NULL is allowed */
void json_add(struct json *obj, const char *key, struct json *child); /* takes child */
void json_push(struct json *arr, struct json *child);                 /* takes child */
void json_add_str(struct json *obj, const char *key, const char *s);  /* NULL adds null */
void json_add_int(struct json *obj, const char *key, int64_t v);
void json_add_num(struct json *obj, const char *key, double v); /* NaN and Inf add null */
void json_add_bool(struct json *obj, const char *key, bool v);
void json_add_null(struct json *obj, const char *key);
/* A document's node copied for building with, for instance a stored result inside an answer. */
struct json *json_dup(const struct json *n);
/* Text of a tree; free with mem_free(). */
char *json_print(const struct json *n, bool pretty);

#endif
