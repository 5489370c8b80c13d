/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small readers that the job's parts share: sentences with a line, objects by table, maps of the
 * user's own keys, and files. Pure.
 */
#include "core/jobspec_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

int jobspec_refuse(struct jobspec_reader *r, const struct json *at, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->err, code, "line %d: %s", json_line(r->doc, at), text);
}

int jobspec_read(
	struct jobspec_reader *r, const struct json *node, const struct jobspec_table *t, void *out)
{
	return json_read(r->doc, node, t->what, t->fields, t->n, out, r->err);
}

/* ---- maps ---- */

/* Keys that differ as written may still be one text ("a" and "\u0061"). */
static int check_key(struct jobspec_reader *r, const struct json *n, const char *what,
	const char *array, size_t stride, int count)
{
	if (!*json_key(n) || strlen(json_key(n)) >= LIMIT_NAME)
		return jobspec_refuse(r, n, ERR_RANGE, "a key of %s must have 1 to %d bytes", what,
			LIMIT_NAME - 1);
	for (int i = 0; i < count; i++)
		if (!strcmp(array + i * stride, json_key(n)))
			return jobspec_refuse(
				r, n, ERR_EXISTS, "\"%s\" is twice in %s", json_key(n), what);
	return 0;
}

static int check_map(struct jobspec_reader *r, const struct json *node, const char *what, int max)
{
	if (!json_is_object(node))
		return jobspec_refuse(r, node, ERR_PARSE, "%s must be an object, not %s", what,
			json_type_name(node));
	if (json_count(node) > max)
		return jobspec_refuse(r, node, ERR_RANGE,
			"%s have %d entries; at most %d are allowed", what, json_count(node), max);
	return 0;
}

int jobspec_read_texts(struct jobspec_reader *r, const struct json *node,
	const struct jobspec_texts *t, void *out, int *ret_n)
{
	int n = 0, rc = check_map(r, node, t->what, t->max);

	JSON_FOREACH (it, node) {
		char *entry = (char *)out + n * t->stride;

		if (rc)
			return rc;
		rc = check_key(r, it, t->what, out, t->stride, n);
		if (rc)
			return rc;
		if (!json_is_string(it))
			return jobspec_refuse(r, it, ERR_PARSE,
				"\"%s\" of %s must be a string, not %s", json_key(it), t->what,
				json_type_name(it));
		if (strlen(json_str(it)) < (size_t)t->value_min ||
			strlen(json_str(it)) >= t->value_size)
			return jobspec_refuse(r, it, ERR_RANGE,
				"\"%s\" of %s must have %d to %zu bytes", json_key(it), t->what,
				t->value_min, t->value_size - 1);
		str_copy(entry, LIMIT_NAME, json_key(it));
		str_copy(entry + t->value_off, t->value_size, json_str(it));
		n++;
	}
	if (!rc)
		*ret_n = n;
	return rc;
}

int jobspec_read_dimensions(struct jobspec_reader *r, const struct json *node, struct jobspec *s)
{
	int n = 0, rc = check_map(r, node, "the dimensions", LIMIT_OPTIONS);

	if (rc)
		return rc;
	JSON_FOREACH (it, node) {
		struct jobspec_dimension *d = &s->dimensions[n];
		int64_t value;

		rc = check_key(r, it, "the dimensions", (const char *)s->dimensions, sizeof(*d), n);
		if (rc)
			return rc;
		if (!json_int(it, &value) || value < 1 || value > JOBSPEC_ELEMENTS_MAX)
			return jobspec_refuse(r, it, ERR_RANGE,
				"the dimension \"%s\" must be a whole number from 1 to %lld",
				json_key(it), JOBSPEC_ELEMENTS_MAX);
		str_copy(d->name, sizeof(d->name), json_key(it));
		d->value = value;
		n++;
	}
	s->n_dimensions = n;
	return 0;
}

/* ---- files ---- */

static const struct json_field file_fields[] = {
	{"sha256", JSON_WANT_TEXT, offsetof(struct jobspec_file, sha256), LIMIT_SHA256, 64,
		.required = true},
	{"bytes", JSON_WANT_INT, offsetof(struct jobspec_file, bytes), 0, 1, LIMIT_UPLOAD_BYTES,
		.required = true},
	{"name", JSON_WANT_TEXT, offsetof(struct jobspec_file, name), LIMIT_VALUE, 1,
		.required = true},
};

const struct jobspec_table jobspec_file_table = {"a file", file_fields, 3};

static int read_path(struct jobspec_reader *r, const struct json *node, struct jobspec_file *f)
{
	const char *path = json_str(node), *base = strrchr(path, '/');

	if (!(r->flags & JOBSPEC_PATHS))
		return jobspec_refuse(r, node, ERR_PARSE,
			"\"%.64s\" is a path; `framefarm run` uploads such files and names them by "
			"hash",
			path);
	base = base ? base + 1 : path;
	if (!*base || strlen(path) >= JOBSPEC_PATH_MAX)
		return jobspec_refuse(r, node, ERR_RANGE,
			"a file's path must have 1 to %d bytes and not end in /",
			JOBSPEC_PATH_MAX - 1);
	str_copy(f->path, sizeof(f->path), path);
	str_copy_clean(f->name, sizeof(f->name), base, strlen(base));
	return 0;
}

int jobspec_read_file(struct jobspec_reader *r, const struct json *node, struct jobspec_file *ret)
{
	struct jobspec_file f = {.line = json_line(r->doc, node)};
	int rc;

	if (json_is_string(node)) {
		rc = read_path(r, node, &f);
	} else {
		rc = jobspec_read(r, node, &jobspec_file_table, &f);
		if (!rc && !str_is_sha256(f.sha256))
			rc = jobspec_refuse(r, node, ERR_PARSE,
				"\"sha256\" of a file must be 64 lower-case hexadecimal digits");
	}
	if (!rc)
		*ret = f;
	return rc;
}
