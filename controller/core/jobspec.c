/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job as a whole; see jobspec.h. The parts are read by jobspec_model.c (variants and runner),
 * jobspec_tensor.c (inputs and golden data), jobspec_measure.c (presets and overrides) and
 * jobspec_check.c (what fits together); jobspec_wire.c writes it back. Pure.
 */
#include "core/jobspec_priv.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define DEFAULT_BUDGET_MS    16
#define DEFAULT_PERCENTILE   0.99
#define DEFAULT_COVERAGE_MIN 0.9
#define DEFAULT_RETRIES      2
#define NS_PER_MS            1e6

static const char *const schema_words[] = {JOBSPEC_SCHEMA, NULL};

struct raw_job {
	struct jobspec s;
	int schema;
	int64_t timeout_s;
	const struct json *model, *runner, *dimensions, *inputs, *golden, *measure, *devices,
		*budget, *gates, *labels;
};

static const struct json_field job_fields[] = {
	{"schema", JSON_WANT_ENUM, offsetof(struct raw_job, schema), .words = schema_words,
		.required = true},
	{"name", JSON_WANT_NAME, offsetof(struct raw_job, s.name), LIMIT_NAME, .required = true},
	{"model", JSON_WANT_OBJECT, offsetof(struct raw_job, model), .required = true},
	{"runner", JSON_WANT_OBJECT, offsetof(struct raw_job, runner)},
	{"dimensions", JSON_WANT_OBJECT, offsetof(struct raw_job, dimensions)},
	{"fix_dimensions", JSON_WANT_BOOL, offsetof(struct raw_job, s.fix_dimensions)},
	{"inputs", JSON_WANT_ARRAY, offsetof(struct raw_job, inputs), 0, 0, LIMIT_INPUTS},
	{"golden", JSON_WANT_OBJECT, offsetof(struct raw_job, golden)},
	{"preset", JSON_WANT_ENUM, offsetof(struct raw_job, s.preset),
		.words = jobspec_preset_words},
	{"measure", JSON_WANT_OBJECT, offsetof(struct raw_job, measure)},
	{"devices", JSON_WANT_OBJECT, offsetof(struct raw_job, devices)},
	{"budget", JSON_WANT_ANY, offsetof(struct raw_job, budget)},
	{"gates", JSON_WANT_ARRAY, offsetof(struct raw_job, gates), 0, 0, 4},
	{"coverage_min", JSON_WANT_NUM, offsetof(struct raw_job, s.coverage_min), 0, 0, 1},
	{"priority", JSON_WANT_INT, offsetof(struct raw_job, s.priority), 0, -100, 100},
	{"retries", JSON_WANT_INT, offsetof(struct raw_job, s.retries), 0, 0, LIMIT_RETRIES},
	{"timeout_s", JSON_WANT_INT, offsetof(struct raw_job, timeout_s), 0, 0, 86400},
	{"labels", JSON_WANT_OBJECT, offsetof(struct raw_job, labels)},
	{"commit", JSON_WANT_TEXT, offsetof(struct raw_job, s.commit_id), LIMIT_VALUE},
	{"branch", JSON_WANT_TEXT, offsetof(struct raw_job, s.branch), LIMIT_VALUE},
};

const struct jobspec_table jobspec_job_table = {
	"the job", job_fields, sizeof(job_fields) / sizeof(job_fields[0])};

/* ---- texts ---- */

/* C0, DEL and C1, which in UTF-8 is 0xc2 with 0x80 to 0x9f behind it. */
static bool has_control(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if (s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0))
			return true;
	return false;
}

/* No text of a job has a use for a control character, and each is shown somewhere. The depth of a
 * document is bounded, so the recursion is too. */
static int check_texts(struct jobspec_reader *r, const struct json *node)
{
	int rc;

	if (has_control(json_key(node)) || has_control(json_str(node)))
		return jobspec_refuse(r, node, ERR_PARSE, "a text here has a control character");
	JSON_FOREACH (it, node) {
		rc = check_texts(r, it);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- devices ---- */

struct raw_devices {
	const struct json *select, *count;
	bool keep_files;
};

static const struct json_field devices_fields[] = {
	{"select", JSON_WANT_OBJECT, offsetof(struct raw_devices, select)},
	{"count", JSON_WANT_ANY, offsetof(struct raw_devices, count)},
	{"keep_files", JSON_WANT_BOOL, offsetof(struct raw_devices, keep_files)},
};

const struct jobspec_table jobspec_devices_table = {"devices", devices_fields, 3};

bool jobspec_virtual_ok(const struct jobspec_selector *s)
{
	for (int i = 0; i < s->n_terms; i++) {
		const char *v = s->terms[i].value;

		if (!strcmp(s->terms[i].key, "virtual") && strcmp(v, "yes") && strcmp(v, "no") &&
			strcmp(v, "any"))
			return false;
	}
	return true;
}

static int read_devices(struct jobspec_reader *r, const struct json *node, struct jobspec *s)
{
	const struct jobspec_texts terms = {"the selector's terms", LIMIT_SELECTOR_TERMS,
		sizeof(s->select.terms[0]), LIMIT_NAME, LIMIT_VALUE, 1};
	struct raw_devices raw = {0};
	int rc = jobspec_read(r, node, &jobspec_devices_table, &raw);

	if (!rc && raw.select)
		rc = jobspec_read_texts(r, raw.select, &terms, s->select.terms, &s->select.n_terms);
	if (!rc && !jobspec_virtual_ok(&s->select))
		rc = jobspec_refuse(r, raw.select, ERR_PARSE,
			"the selector's \"virtual\" must be \"yes\", \"no\" or \"any\"");
	s->keep_files = raw.keep_files;
	if (rc || !raw.count)
		return rc;
	if (!strcmp(json_str(raw.count), "all")) {
		s->count = 0;
		return 0;
	}
	if (!json_is_number(raw.count) || !json_int(raw.count, &s->count) || s->count < 1 ||
		s->count > LIMIT_DEVICES)
		return jobspec_refuse(r, raw.count, ERR_RANGE,
			"\"count\" of devices must be a whole number from 1 to %d, or \"all\"",
			LIMIT_DEVICES);
	return 0;
}

/* ---- the budget ---- */

struct raw_budget {
	double ms, percentile, share;
};

static const struct json_field budget_fields[] = {
	{"ms", JSON_WANT_NUM, offsetof(struct raw_budget, ms), 0, 0.001, 60000},
	{"percentile", JSON_WANT_NUM, offsetof(struct raw_budget, percentile), 0, 0.5, 0.999},
	{"share", JSON_WANT_NUM, offsetof(struct raw_budget, share), 0, 0.01, 1},
};

const struct jobspec_table jobspec_budget_table = {"the budget", budget_fields, 3};

static int read_budget(struct jobspec_reader *r, const struct json *node, struct jobspec *s)
{
	struct raw_budget raw = {DEFAULT_BUDGET_MS, DEFAULT_PERCENTILE, 1};
	int rc = 0;

	if (node && json_is_null(node))
		return 0;
	if (node)
		rc = jobspec_read(r, node, &jobspec_budget_table, &raw);
	if (rc)
		return rc;
	s->has_budget = true;
	/* Rounded twice, so that 16.6 ms are 16 600 000 ns and half of them 8 300 000. */
	s->budget_ns = llround(llround(raw.ms * NS_PER_MS) * raw.share);
	s->percentile = raw.percentile;
	return 0;
}

/* ---- the job ---- */

static int read_labels(struct jobspec_reader *r, const struct json *node, struct jobspec *s)
{
	const struct jobspec_texts t = {"the labels", LIMIT_ATTRS, sizeof(s->labels[0]),
		offsetof(struct jobspec_option, value), LIMIT_VALUE, 0};

	return jobspec_read_texts(r, node, &t, s->labels, &s->n_labels);
}

static int read_parts(struct jobspec_reader *r, const struct raw_job *raw, struct jobspec *s)
{
	const struct jobspec_parents parents = {raw->runner, raw->inputs, raw->golden};
	int rc = jobspec_read_model(r, raw->model, &parents, s);

	if (!rc && raw->dimensions)
		rc = jobspec_read_dimensions(r, raw->dimensions, s);
	jobspec_preset(s->preset, &s->measure);
	if (!rc && raw->measure)
		rc = jobspec_read_measure(r, raw->measure, &s->measure);
	if (!rc && raw->devices)
		rc = read_devices(r, raw->devices, s);
	if (!rc)
		rc = read_budget(r, raw->budget, s);
	if (!rc && raw->labels)
		rc = read_labels(r, raw->labels, s);
	return rc;
}

static void spec_fini(struct jobspec *s)
{
	for (int i = 0; i < s->n_variants; i++) {
		mem_free(s->variants[i].inputs);
		jobspec_golden_fini(&s->variants[i].golden);
	}
	mem_free(s->variants);
}

int jobspec_parse(
	const struct json_doc *doc, unsigned flags, struct jobspec **ret_spec, struct err *e)
{
	struct jobspec_reader r = {doc, flags, 0, e};
	const struct json *job = json_root(doc);
	struct raw_job raw = {.s = {.count = 1,
				      .coverage_min = DEFAULT_COVERAGE_MIN,
				      .retries = DEFAULT_RETRIES}};
	struct jobspec *s = &raw.s;
	int rc = check_texts(&r, job);

	if (!rc)
		rc = jobspec_read(&r, job, &jobspec_job_table, &raw);
	if (!rc)
		rc = read_parts(&r, &raw, s);
	s->timeout_ms = raw.timeout_s * 1000;
	if (!rc)
		rc = jobspec_settle_gates(&r, job, raw.gates, s);
	if (!rc)
		rc = jobspec_check(&r, job, s);
	if (rc) {
		spec_fini(s);
		return rc;
	}
	*ret_spec = mem_alloc(sizeof(*s));
	**ret_spec = *s;
	return 0;
}

void jobspec_free(struct jobspec *s)
{
	if (!s)
		return;
	spec_fini(s);
	mem_free(s);
}

/* ---- files ---- */

static int tensor_files(
	struct jobspec_tensor *t, int n, int (*fn)(void *arg, struct jobspec_file *f), void *arg)
{
	int rc = 0;

	for (int i = 0; i < n && !rc; i++)
		if (t[i].fill == FILL_FILE)
			rc = fn(arg, &t[i].file);
	return rc;
}

int jobspec_files(struct jobspec *s, int (*fn)(void *arg, struct jobspec_file *f), void *arg)
{
	int rc = 0;

	for (int i = 0; i < s->n_variants && !rc; i++) {
		struct jobspec_variant *v = &s->variants[i];

		rc = fn(arg, &v->model);
		if (!rc)
			rc = tensor_files(v->inputs, v->n_inputs, fn, arg);
		for (int j = 0; j < v->golden.n_cases && !rc; j++) {
			struct jobspec_case *c = &v->golden.cases[j];

			rc = tensor_files(c->inputs, c->n_inputs, fn, arg);
			if (!rc)
				rc = tensor_files(c->outputs, c->n_outputs, fn, arg);
		}
	}
	return rc;
}
