/* SPDX-License-Identifier: Apache-2.0 */
/* profiles/job.schema.json says what the parser's tables say: keys, types, bounds, words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/jobspec_priv.h"

static struct json_doc *schema;

static const struct {
	const char *def; /* in $defs; NULL for the root */
	const struct jobspec_table *table;
} objects[] = {
	{NULL, &jobspec_job_table},
	{"model", &jobspec_model_table},
	{"variant", &jobspec_variant_table},
	{"runner", &jobspec_runner_table},
	{"input", &jobspec_input_table},
	{"golden", &jobspec_golden_table},
	{"case", &jobspec_case_table},
	{"file", &jobspec_file_table},
	{"measure", &jobspec_measure_table},
	{"devices", &jobspec_devices_table},
	{"budget", &jobspec_budget_table},
};

#define N_OBJECTS (sizeof(objects) / sizeof(objects[0]))

static const struct json *def(const char *name)
{
	const struct json *root = json_root(schema);

	return name ? json_get(json_get(root, "$defs"), name) : root;
}

/* The node that a $ref of this file points at, or the node itself. */
static const struct json *followed(const struct json *node)
{
	const char *ref = json_str(json_get(node, "$ref"));

	if (!*ref)
		return node;
	assert_int_equal(strncmp(ref, "#/$defs/", 8), 0);
	assert_non_null(def(ref + 8));
	return def(ref + 8);
}

static const struct json_field *field(const struct jobspec_table *t, const char *key)
{
	for (int i = 0; i < t->n; i++)
		if (!strcmp(t->fields[i].key, key))
			return &t->fields[i];
	return NULL;
}

static void both_know_the_same_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OBJECTS; i++) {
		const struct jobspec_table *t = objects[i].table;
		const struct json *properties = json_get(def(objects[i].def), "properties");

		assert_true(json_is_object(properties));
		assert_true(json_is_bool(json_get(def(objects[i].def), "additionalProperties")));
		assert_false(json_is_true(json_get(def(objects[i].def), "additionalProperties")));
		JSON_FOREACH (p, properties)
			if (!field(t, json_key(p)))
				fail_msg("the parser does not know \"%s\" of %s", json_key(p),
					t->what);
		for (int k = 0; k < t->n; k++)
			if (!json_get(properties, t->fields[k].key))
				fail_msg(
					"the schema lacks \"%s\" of %s", t->fields[k].key, t->what);
		assert_int_equal(json_count(properties), t->n);
	}
}

static bool listed(const struct json *required, const char *key)
{
	JSON_FOREACH (r, required)
		if (!strcmp(json_str(r), key))
			return true;
	return false;
}

static void both_require_the_same_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OBJECTS; i++) {
		const struct jobspec_table *t = objects[i].table;
		const struct json *required = json_get(def(objects[i].def), "required");

		for (int k = 0; k < t->n; k++)
			if (t->fields[k].required !=
				(required && listed(required, t->fields[k].key)))
				fail_msg("\"%s\" of %s: required in one of them", t->fields[k].key,
					t->what);
	}
}

static void words_agree(const struct json_field *f, const struct json *node)
{
	const struct json *words = json_get(node, "enum");
	int i = 0;

	assert_true(json_is_array(words));
	JSON_FOREACH (w, words) {
		assert_non_null(f->words[i]);
		assert_string_equal(json_str(w), f->words[i++]);
	}
	assert_null(f->words[i]);
}

static void bounds_agree(const struct json_field *f, const struct json *node)
{
	if (json_num(json_get(node, "minimum")) != f->min ||
		json_num(json_get(node, "maximum")) != f->max || !json_get(node, "minimum"))
		fail_msg("\"%s\" is from %.15g to %.15g in the schema and from %.15g to %.15g in "
			 "the "
			 "parser",
			f->key, json_num(json_get(node, "minimum")),
			json_num(json_get(node, "maximum")), f->min, f->max);
}

static void field_agrees(const struct json_field *f, const struct json *property)
{
	const struct json *node = followed(property);
	const char *type = json_str(json_get(node, "type"));

	switch (f->want) {
	case JSON_WANT_INT:
		assert_string_equal(type, "integer");
		bounds_agree(f, node);
		break;
	case JSON_WANT_NUM:
		assert_string_equal(type, "number");
		bounds_agree(f, node);
		break;
	case JSON_WANT_BOOL:
		assert_string_equal(type, "boolean");
		break;
	case JSON_WANT_ENUM:
		words_agree(f, node);
		break;
	case JSON_WANT_NAME:
		assert_string_equal(json_str(json_get(property, "$ref")), "#/$defs/name");
		break;
	case JSON_WANT_TEXT:
		assert_string_equal(type, "string");
		if (!json_get(node, "pattern"))
			assert_true(json_num(json_get(node, "maxLength")) == f->size - 1);
		assert_true(json_get(node, "pattern") ||
			    json_num(json_get(node, "minLength")) == f->min);
		break;
	case JSON_WANT_OBJECT:
		assert_string_equal(type, "object");
		break;
	case JSON_WANT_ARRAY:
		assert_string_equal(type, "array");
		assert_true(json_num(json_get(node, "maxItems")) == f->max);
		break;
	case JSON_WANT_ANY:
		assert_non_null(json_get(node, "anyOf"));
		break;
	}
}

static void both_mean_the_same_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OBJECTS; i++) {
		const struct jobspec_table *t = objects[i].table;
		const struct json *properties = json_get(def(objects[i].def), "properties");

		for (int k = 0; k < t->n; k++)
			field_agrees(&t->fields[k], json_get(properties, t->fields[k].key));
	}
}

static void every_key_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OBJECTS; i++) {
		assert_true(*json_str(json_get(def(objects[i].def), "description")));
		JSON_FOREACH (p, json_get(def(objects[i].def), "properties"))
			if (!*json_str(json_get(p, "description")) &&
				!*json_str(json_get(followed(p), "description")))
				fail_msg("\"%s\" has no description", json_key(p));
	}
}

/* What the schema calls a default is what a job without the key gets. */
static void defaults_are_the_parsers(void **state)
{
	static const char job[] =
		"{\"schema\": \"framefarm.job/1\", \"name\": \"j\", \"model\": {\"name\": \"m\", "
		"\"variants\": [{\"name\": \"v\", \"file\": \"m\"}]}}";
	struct json_doc *d = json_parse(job, strlen(job), NULL);
	const struct json *runner = json_get(def("runner"), "properties");
	const struct json *budget = json_get(def("budget"), "properties");
	const struct json *root = json_get(def(NULL), "properties");
	struct jobspec *s;

	(void)state;
	assert_int_equal(jobspec_parse(d, JOBSPEC_PATHS, &s, NULL), 0);
#define DEFAULT(in, key) json_get(json_get(in, key), "default")
	assert_string_equal(json_str(DEFAULT(runner, "name")), s->variants[0].runner.name);
	assert_string_equal(json_str(DEFAULT(runner, "provider")), s->variants[0].runner.provider);
	assert_true(json_num(DEFAULT(runner, "threads")) == s->variants[0].runner.threads);
	assert_string_equal(json_str(DEFAULT(runner, "optimization")),
		jobspec_optimization_words[s->variants[0].runner.optimization]);
	assert_true(json_num(DEFAULT(budget, "ms")) * 1e6 == s->budget_ns);
	assert_true(json_num(DEFAULT(budget, "percentile")) == s->percentile);
	assert_true(json_num(DEFAULT(root, "coverage_min")) == s->coverage_min);
	assert_true(json_num(DEFAULT(root, "retries")) == s->retries);
	assert_true(json_num(DEFAULT(root, "priority")) == s->priority);
	assert_string_equal(json_str(DEFAULT(root, "preset")), jobspec_preset_words[s->preset]);
	jobspec_free(s);
	json_doc_free(d);
}

static int load(void **state)
{
	FILE *f = fopen("profiles/job.schema.json", "r");
	char *text = mem_alloc(LIMIT_JSON_BYTES);
	struct err e = {0};

	(void)state;
	if (f) {
		schema = json_parse(text, fread(text, 1, LIMIT_JSON_BYTES, f), &e);
		fclose(f);
	}
	mem_free(text);
	if (!schema)
		print_error("profiles/job.schema.json: %s\n", f ? e.text : "not found");
	return schema ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_doc_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_know_the_same_keys),
		cmocka_unit_test(both_require_the_same_keys),
		cmocka_unit_test(both_mean_the_same_values),
		cmocka_unit_test(every_key_is_described),
		cmocka_unit_test(defaults_are_the_parsers),
	};

	return cmocka_run_group_tests_name("jobspec_schema", tests, load, unload);
}
