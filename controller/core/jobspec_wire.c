/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job as it is submitted: a copy of the document in which every path has become {"sha256",
 * "bytes", "name"}. Where a file may stand is one table, a small grammar of the job's objects;
 * everything else is copied as it is. A path means the same file wherever it stands, so what the
 * caller filled in at one place serves all. Pure.
 */
#include "core/jobspec.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"

enum place {
	PLACE_PLAIN, /* no file below */
	PLACE_JOB,
	PLACE_MODEL,
	PLACE_VARIANTS,
	PLACE_VARIANT,
	PLACE_INPUTS,
	PLACE_INPUT,
	PLACE_GOLDEN,
	PLACE_CASES,
	PLACE_CASE,
	PLACE_FILES, /* an object whose values are files */
	PLACE_FILE,
};

/* A key of NULL stands for every element or member. */
static const struct {
	enum place in;
	const char *key;
	enum place is;
} places[] = {
	{PLACE_JOB, "model", PLACE_MODEL},
	{PLACE_JOB, "inputs", PLACE_INPUTS},
	{PLACE_JOB, "golden", PLACE_GOLDEN},
	{PLACE_MODEL, "variants", PLACE_VARIANTS},
	{PLACE_VARIANTS, NULL, PLACE_VARIANT},
	{PLACE_VARIANT, "file", PLACE_FILE},
	{PLACE_VARIANT, "inputs", PLACE_INPUTS},
	{PLACE_VARIANT, "golden", PLACE_GOLDEN},
	{PLACE_INPUTS, NULL, PLACE_INPUT},
	{PLACE_INPUT, "file", PLACE_FILE},
	{PLACE_GOLDEN, "cases", PLACE_CASES},
	{PLACE_CASES, NULL, PLACE_CASE},
	{PLACE_CASE, "inputs", PLACE_FILES},
	{PLACE_CASE, "outputs", PLACE_FILES},
	{PLACE_FILES, NULL, PLACE_FILE},
};

static enum place place_of(enum place in, const char *key)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i].in == in && (!places[i].key || !strcmp(places[i].key, key)))
			return places[i].is;
	return PLACE_PLAIN;
}

static struct json *file_json(const struct map *files, const struct json *node)
{
	const struct jobspec_file *f = map_get_str(files, json_str(node));
	struct json *o = json_new_object();

	assert(f && f->sha256[0]); /* the caller read all files of this very document */
	json_add_str(o, "sha256", f->sha256);
	json_add_int(o, "bytes", f->bytes);
	json_add_str(o, "name", f->name);
	return o;
}

/* The depth of a document is bounded, so the recursion is too. */
static struct json *copy(const struct map *files, const struct json *node, enum place place)
{
	struct json *out;

	if (place == PLACE_FILE && json_is_string(node))
		return file_json(files, node);
	if (place == PLACE_PLAIN || !json_first(node))
		return json_dup(node);
	out = json_is_array(node) ? json_new_array() : json_new_object();
	JSON_FOREACH (it, node) {
		struct json *child = copy(files, it, place_of(place, json_key(it)));

		if (json_is_array(node))
			json_push(out, child);
		else
			json_add(out, json_key(it), child);
	}
	return out;
}

static int note_file(void *arg, struct jobspec_file *f)
{
	if (f->path[0])
		map_put_str(arg, f->path, f);
	return 0;
}

struct json *jobspec_wire(const struct json_doc *doc, const struct jobspec *spec)
{
	struct map *files = map_new();
	struct json *out;

	/* jobspec_files() hands out files to be filled in; nothing is changed here. */
	jobspec_files((struct jobspec *)(uintptr_t)spec, note_file, files);
	out = copy(files, json_root(doc), PLACE_JOB);
	map_free(files);
	return out;
}
