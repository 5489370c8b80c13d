/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs and golden data of a job: which tensors, from which file or seed, and within which
 * tolerances the outputs must be. Pure.
 */
#include "core/jobspec_priv.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

/* Held against a golden case when the job names no tolerance at all: fp16 against fp32. */
#define DEFAULT_COSINE  0.999
#define DEFAULT_SQNR_DB 30

/* ---- inputs ---- */

/* FILL_FILE is not a word: it is what a "file" makes of an input. */
const char *const jobspec_fill_words[] = {"normal", "uniform", NULL};

struct raw_input {
	struct jobspec_tensor t;
	int fill; /* index in jobspec_fill_words */
	const struct json *file, *shape;
};

static const struct json_field input_fields[] = {
	{"name", JSON_WANT_TEXT, offsetof(struct raw_input, t.name), LIMIT_NAME, 1,
		.required = true},
	{"file", JSON_WANT_ANY, offsetof(struct raw_input, file)},
	{"seed", JSON_WANT_INT, offsetof(struct raw_input, t.seed), 0, 0, 9007199254740992.0},
	{"fill", JSON_WANT_ENUM, offsetof(struct raw_input, fill), .words = jobspec_fill_words},
	{"low", JSON_WANT_NUM, offsetof(struct raw_input, t.low), 0, -1e30, 1e30},
	{"high", JSON_WANT_NUM, offsetof(struct raw_input, t.high), 0, -1e30, 1e30},
	{"shape", JSON_WANT_ARRAY, offsetof(struct raw_input, shape), 0, 0, LIMIT_DIMS},
};

const struct jobspec_table jobspec_input_table = {"an input", input_fields, 7};

static int read_shape(struct jobspec_reader *r, const struct json *node, struct jobspec_tensor *t)
{
	int64_t elements = 1;

	if (!json_count(node))
		return jobspec_refuse(r, node, ERR_RANGE,
			"the shape of \"%s\" is empty; leave it out for the model's own", t->name);
	JSON_FOREACH (it, node) {
		int64_t size;

		if (!json_int(it, &size) || size < 1 || size > JOBSPEC_ELEMENTS_MAX)
			return jobspec_refuse(r, it, ERR_RANGE,
				"each size in the shape of \"%s\" must be a whole number from 1 to "
				"%lld",
				t->name, JOBSPEC_ELEMENTS_MAX);
		elements *= size; /* both factors are at most 2^28 */
		if (elements > JOBSPEC_ELEMENTS_MAX)
			return jobspec_refuse(r, it, ERR_RANGE,
				"the shape of \"%s\" has more than %lld elements", t->name,
				JOBSPEC_ELEMENTS_MAX);
		t->dims[t->n_dims++] = size;
	}
	return 0;
}

static int read_generated(struct jobspec_reader *r, const struct json *node, struct raw_input *raw)
{
	bool range = json_get(node, "low") || json_get(node, "high");

	if (!json_get(node, "seed"))
		return jobspec_refuse(
			r, node, ERR_PARSE, "the input \"%s\" needs a file or a seed", raw->t.name);
	raw->t.fill = FILL_NORMAL + raw->fill;
	if (range && raw->t.fill != FILL_UNIFORM)
		return jobspec_refuse(r, node, ERR_PARSE,
			"low and high of the input \"%s\" need \"fill\": \"uniform\"", raw->t.name);
	if (raw->t.fill == FILL_UNIFORM && !(raw->t.low < raw->t.high))
		return jobspec_refuse(r, node, ERR_RANGE,
			"low of the input \"%s\" must be less than high", raw->t.name);
	return raw->shape ? read_shape(r, raw->shape, &raw->t) : 0;
}

static int read_input(struct jobspec_reader *r, const struct json *node, struct jobspec_tensor *ret)
{
	static const char *const generated[] = {"seed", "fill", "low", "high", "shape"};
	struct raw_input raw = {.t.high = 1};
	int rc = jobspec_read(r, node, &jobspec_input_table, &raw);

	if (rc)
		return rc;
	if (raw.file) {
		for (size_t i = 0; i < sizeof(generated) / sizeof(generated[0]); i++)
			if (json_get(node, generated[i]))
				return jobspec_refuse(r, node, ERR_PARSE,
					"the input \"%s\" has a file and also \"%s\"; only one of "
					"them can "
					"fill it",
					raw.t.name, generated[i]);
		raw.t.fill = FILL_FILE;
		rc = jobspec_read_file(r, raw.file, &raw.t.file);
	} else {
		rc = read_generated(r, node, &raw);
	}
	if (!rc)
		*ret = raw.t;
	return rc;
}

/* Room for n more tensors, within what one job may name in all. */
static int tensors_new(
	struct jobspec_reader *r, const struct json *at, int n, struct jobspec_tensor **ret)
{
	if (n > JOBSPEC_TENSORS_MAX - r->n_tensors)
		return jobspec_refuse(r, at, ERR_RANGE,
			"inputs and golden data of all variants are more than %d tensors",
			JOBSPEC_TENSORS_MAX);
	*ret = mem_try(n * sizeof(**ret));
	if (!*ret)
		return jobspec_refuse(r, at, ERR_NOMEM, "no memory for %d tensors", n);
	r->n_tensors += n;
	return 0;
}

int jobspec_read_inputs(
	struct jobspec_reader *r, const struct json *node, struct jobspec_tensor **ret, int *ret_n)
{
	struct jobspec_tensor *inputs;
	int n = 0, rc = tensors_new(r, node, json_count(node), &inputs);

	if (rc)
		return rc;
	JSON_FOREACH (it, node) {
		rc = read_input(r, it, &inputs[n]);
		for (int i = 0; i < n && !rc; i++)
			if (!strcmp(inputs[i].name, inputs[n].name))
				rc = jobspec_refuse(r, it, ERR_EXISTS,
					"the input \"%s\" is there twice", inputs[n].name);
		if (rc) {
			mem_free(inputs);
			return rc;
		}
		n++;
	}
	*ret = inputs;
	*ret_n = n;
	return 0;
}

int jobspec_copy_inputs(struct jobspec_reader *r, const struct json *at,
	const struct jobspec_tensor *src, int n, struct jobspec_tensor **ret)
{
	int rc = tensors_new(r, at, n, ret);

	if (!rc && n)
		memcpy(*ret, src, n * sizeof(*src));
	return rc;
}

/* ---- golden data ---- */

struct raw_golden {
	struct jobspec_golden g;
	const struct json *cases;
};

static const struct json_field golden_fields[] = {
	{"cosine", JSON_WANT_NUM, offsetof(struct raw_golden, g.cosine), 0, -1, 1},
	{"sqnr_db", JSON_WANT_NUM, offsetof(struct raw_golden, g.sqnr_db), 0, -100, 300},
	{"max_abs", JSON_WANT_NUM, offsetof(struct raw_golden, g.max_abs), 0, 0, 1e30},
	{"top1", JSON_WANT_NUM, offsetof(struct raw_golden, g.top1), 0, 0, 1},
	{"cases", JSON_WANT_ARRAY, offsetof(struct raw_golden, cases), 0, 0, LIMIT_GOLDEN_CASES,
		.required = true},
};

const struct jobspec_table jobspec_golden_table = {"the golden data", golden_fields, 5};

struct raw_case {
	const struct json *inputs, *outputs;
};

static const struct json_field case_fields[] = {
	{"inputs", JSON_WANT_OBJECT, offsetof(struct raw_case, inputs)},
	{"outputs", JSON_WANT_OBJECT, offsetof(struct raw_case, outputs), .required = true},
};

const struct jobspec_table jobspec_case_table = {"a golden case", case_fields, 2};

/* {"tensor": file, …} */
static int read_files(
	struct jobspec_reader *r, const struct json *node, struct jobspec_tensor **ret, int *ret_n)
{
	int rc, n = json_count(node);

	if (n > LIMIT_INPUTS)
		return jobspec_refuse(r, node, ERR_RANGE,
			"a golden case names %d tensors; at most %d are allowed", n, LIMIT_INPUTS);
	rc = tensors_new(r, node, n, ret);
	if (rc)
		return rc;
	JSON_FOREACH (it, node) {
		struct jobspec_tensor *t = &(*ret)[*ret_n];

		if (!*json_key(it) || !str_copy(t->name, sizeof(t->name), json_key(it)))
			return jobspec_refuse(r, it, ERR_RANGE,
				"a tensor's name must have 1 to %d bytes", LIMIT_NAME - 1);
		for (int i = 0; i < *ret_n; i++)
			if (!strcmp((*ret)[i].name, t->name))
				return jobspec_refuse(r, it, ERR_EXISTS,
					"the tensor \"%s\" is there twice", t->name);
		rc = jobspec_read_file(r, it, &t->file);
		if (rc)
			return rc;
		++*ret_n;
	}
	return 0;
}

static int read_case(struct jobspec_reader *r, const struct json *node, struct jobspec_case *c)
{
	struct raw_case raw = {0};
	int rc = jobspec_read(r, node, &jobspec_case_table, &raw);

	if (!rc && !json_count(raw.outputs))
		rc = jobspec_refuse(r, node, ERR_RANGE, "a golden case needs at least one output");
	if (!rc && raw.inputs)
		rc = read_files(r, raw.inputs, &c->inputs, &c->n_inputs);
	if (!rc)
		rc = read_files(r, raw.outputs, &c->outputs, &c->n_outputs);
	return rc;
}

static int read_cases(struct jobspec_reader *r, const struct json *node, struct jobspec_golden *g)
{
	int rc;

	if (!json_count(node))
		return jobspec_refuse(r, node, ERR_RANGE, "the golden data have no case");
	g->cases = mem_zalloc(json_count(node) * sizeof(*g->cases));
	JSON_FOREACH (it, node) {
		/* Counted first, so that what it holds is freed when it fails half-way. */
		rc = read_case(r, it, &g->cases[g->n_cases++]);
		if (rc)
			return rc;
	}
	return 0;
}

int jobspec_read_golden(
	struct jobspec_reader *r, const struct json *node, struct jobspec_golden *ret)
{
	struct raw_golden raw = {.g = {true, NAN, NAN, NAN, NAN, 0, NULL}};
	struct jobspec_golden *g = &raw.g;
	int rc = jobspec_read(r, node, &jobspec_golden_table, &raw);

	if (!rc)
		rc = read_cases(r, raw.cases, g);
	if (rc) {
		jobspec_golden_fini(g);
		return rc;
	}
	if (isnan(g->cosine) && isnan(g->sqnr_db) && isnan(g->max_abs) && isnan(g->top1)) {
		g->cosine = DEFAULT_COSINE;
		g->sqnr_db = DEFAULT_SQNR_DB;
	}
	*ret = *g;
	return 0;
}

int jobspec_copy_golden(struct jobspec_reader *r, const struct json *at,
	const struct jobspec_golden *src, struct jobspec_golden *ret)
{
	struct jobspec_golden g = *src;
	int rc = 0;

	g.n_cases = 0;
	g.cases = mem_zalloc(src->n_cases * sizeof(*g.cases));
	for (int i = 0; i < src->n_cases && !rc; i++) {
		struct jobspec_case *c = &g.cases[g.n_cases++];

		rc = jobspec_copy_inputs(
			r, at, src->cases[i].inputs, src->cases[i].n_inputs, &c->inputs);
		if (!rc)
			rc = jobspec_copy_inputs(
				r, at, src->cases[i].outputs, src->cases[i].n_outputs, &c->outputs);
		c->n_inputs = src->cases[i].n_inputs;
		c->n_outputs = src->cases[i].n_outputs;
	}
	if (rc)
		jobspec_golden_fini(&g);
	else
		*ret = g;
	return rc;
}

void jobspec_golden_fini(struct jobspec_golden *g)
{
	for (int i = 0; i < g->n_cases; i++) {
		mem_free(g->cases[i].inputs);
		mem_free(g->cases[i].outputs);
	}
	mem_free(g->cases);
	memset(g, 0, sizeof(*g));
}
