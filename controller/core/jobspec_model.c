/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of a job: its variants, and how each is run. A variant inherits the job's runner member
 * by member, and the job's inputs and golden data as a whole where it has none of its own. Pure.
 */
#include "core/jobspec_priv.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* ---- the runner ---- */

const char *const jobspec_optimization_words[] = {"disabled", "basic", "extended", "all", NULL};

struct raw_runner {
	struct jobspec_runner runner;
	const struct json *provider_options, *session_options;
};

static const struct json_field runner_fields[] = {
	{"name", JSON_WANT_NAME, offsetof(struct raw_runner, runner.name), LIMIT_NAME},
	{"runtime", JSON_WANT_NAME, offsetof(struct raw_runner, runner.runtime), LIMIT_NAME},
	{"threads", JSON_WANT_INT, offsetof(struct raw_runner, runner.threads), 0, 0, 256},
	{"inter_threads", JSON_WANT_INT, offsetof(struct raw_runner, runner.inter_threads), 0, 0,
		256},
	{"provider", JSON_WANT_NAME, offsetof(struct raw_runner, runner.provider), LIMIT_NAME},
	{"provider_options", JSON_WANT_OBJECT, offsetof(struct raw_runner, provider_options)},
	{"session_options", JSON_WANT_OBJECT, offsetof(struct raw_runner, session_options)},
	{"strict", JSON_WANT_BOOL, offsetof(struct raw_runner, runner.strict)},
	{"optimization", JSON_WANT_ENUM, offsetof(struct raw_runner, runner.optimization),
		.words = jobspec_optimization_words},
};

const struct jobspec_table jobspec_runner_table = {"the runner", runner_fields, 9};

static int read_options(struct jobspec_reader *r, const struct json *node, const char *what,
	struct jobspec_option *options, int *ret_n)
{
	const struct jobspec_texts t = {what, LIMIT_OPTIONS, sizeof(*options),
		offsetof(struct jobspec_option, value), JOBSPEC_OPTION, 0};

	if (!node)
		return 0;
	memset(options, 0, LIMIT_OPTIONS * sizeof(*options));
	return jobspec_read_texts(r, node, &t, options, ret_n);
}

int jobspec_read_runner(
	struct jobspec_reader *r, const struct json *node, struct jobspec_runner *inout)
{
	struct raw_runner raw = {.runner = *inout};
	int rc = jobspec_read(r, node, &jobspec_runner_table, &raw);

	if (!rc)
		rc = read_options(r, raw.provider_options, "the provider options",
			raw.runner.provider_options, &raw.runner.n_provider_options);
	if (!rc)
		rc = read_options(r, raw.session_options, "the session options",
			raw.runner.session_options, &raw.runner.n_session_options);
	if (!rc)
		*inout = raw.runner;
	return rc;
}

/* ---- variants ---- */

struct raw_variant {
	char name[LIMIT_NAME];
	const struct json *file, *runner, *inputs, *golden;
};

static const struct json_field variant_fields[] = {
	{"name", JSON_WANT_NAME, offsetof(struct raw_variant, name), LIMIT_NAME, .required = true},
	{"file", JSON_WANT_ANY, offsetof(struct raw_variant, file), .required = true},
	{"runner", JSON_WANT_OBJECT, offsetof(struct raw_variant, runner)},
	{"inputs", JSON_WANT_ARRAY, offsetof(struct raw_variant, inputs), 0, 0, LIMIT_INPUTS},
	{"golden", JSON_WANT_OBJECT, offsetof(struct raw_variant, golden)},
};

const struct jobspec_table jobspec_variant_table = {"a variant", variant_fields, 5};

/* The job's own runner, inputs and golden data, read once. */
struct inherited {
	struct jobspec_runner runner;
	struct jobspec_tensor *inputs;
	int n_inputs;
	struct jobspec_golden golden;
	bool inputs_used, golden_used;
};

static void inherited_fini(struct inherited *h)
{
	mem_free(h->inputs);
	jobspec_golden_fini(&h->golden);
}

static int read_inherited(
	struct jobspec_reader *r, const struct jobspec_parents *p, struct inherited *h)
{
	int rc = 0;

	if (p->runner)
		rc = jobspec_read_runner(r, p->runner, &h->runner);
	if (!rc && p->inputs)
		rc = jobspec_read_inputs(r, p->inputs, &h->inputs, &h->n_inputs);
	if (!rc && p->golden)
		rc = jobspec_read_golden(r, p->golden, &h->golden);
	return rc;
}

static int read_variant(struct jobspec_reader *r, const struct json *node, struct inherited *h,
	struct jobspec_variant *v)
{
	struct raw_variant raw = {0};
	int rc = jobspec_read(r, node, &jobspec_variant_table, &raw);

	if (rc)
		return rc;
	memcpy(v->name, raw.name, sizeof(v->name));
	rc = jobspec_read_file(r, raw.file, &v->model);
	v->runner = h->runner;
	if (!rc && raw.runner)
		rc = jobspec_read_runner(r, raw.runner, &v->runner);
	if (!rc && v->runner.strict && !strcmp(v->runner.provider, "cpu"))
		rc = jobspec_refuse(r, raw.runner ? raw.runner : node, ERR_PARSE,
			"strict forbids the variant \"%s\" to fall back to the CPU, but its "
			"provider is "
			"cpu; name another provider or leave strict out",
			v->name);
	if (rc)
		return rc;
	h->inputs_used |= !raw.inputs;
	h->golden_used |= !raw.golden;
	if (raw.inputs) {
		rc = jobspec_read_inputs(r, raw.inputs, &v->inputs, &v->n_inputs);
	} else if (h->n_inputs) {
		rc = jobspec_copy_inputs(r, node, h->inputs, h->n_inputs, &v->inputs);
		v->n_inputs = rc ? 0 : h->n_inputs;
	}
	if (!rc && raw.golden)
		rc = jobspec_read_golden(r, raw.golden, &v->golden);
	else if (!rc && h->golden.set)
		rc = jobspec_copy_golden(r, node, &h->golden, &v->golden);
	return rc;
}

static int read_variants(
	struct jobspec_reader *r, const struct json *node, struct inherited *h, struct jobspec *s)
{
	if (!json_count(node))
		return jobspec_refuse(r, node, ERR_RANGE, "the model has no variant");
	s->variants = mem_zalloc(json_count(node) * sizeof(*s->variants));
	JSON_FOREACH (it, node) {
		struct jobspec_variant *v = &s->variants[s->n_variants];
		/* Counted first, so that what it holds is freed when it fails half-way. */
		int rc, n = s->n_variants++;

		rc = read_variant(r, it, h, v);
		for (int i = 0; i < n && !rc; i++)
			if (!strcmp(s->variants[i].name, v->name))
				rc = jobspec_refuse(r, it, ERR_EXISTS,
					"two variants have the name \"%s\"", v->name);
		if (rc)
			return rc;
	}
	return 0;
}

/* What no variant uses would be uploaded by nobody and believed by everybody. */
static int check_used(
	struct jobspec_reader *r, const struct jobspec_parents *p, const struct inherited *h)
{
	if (p->inputs && !h->inputs_used)
		return jobspec_refuse(r, p->inputs, ERR_PARSE,
			"every variant has inputs of its own, so nothing uses these; remove them");
	if (p->golden && !h->golden_used)
		return jobspec_refuse(r, p->golden, ERR_PARSE,
			"every variant has golden data of its own, so nothing uses these; remove "
			"them");
	return 0;
}

/* ---- the model ---- */

struct raw_model {
	char name[LIMIT_NAME];
	const struct json *variants;
};

static const struct json_field model_fields[] = {
	{"name", JSON_WANT_NAME, offsetof(struct raw_model, name), LIMIT_NAME, .required = true},
	{"variants", JSON_WANT_ARRAY, offsetof(struct raw_model, variants), 0, 0, LIMIT_VARIANTS,
		.required = true},
};

const struct jobspec_table jobspec_model_table = {"the model", model_fields, 2};

int jobspec_read_model(struct jobspec_reader *r, const struct json *node,
	const struct jobspec_parents *parents, struct jobspec *s)
{
	struct inherited h = {
		.runner = {
			.name = "onnxruntime", .threads = 1, .provider = "cpu", .optimization = 3}};
	struct raw_model raw = {0};
	int rc = jobspec_read(r, node, &jobspec_model_table, &raw);

	if (rc)
		return rc;
	memcpy(s->model_name, raw.name, sizeof(s->model_name));
	rc = read_inherited(r, parents, &h);
	if (!rc)
		rc = read_variants(r, raw.variants, &h, s);
	if (!rc)
		rc = check_used(r, parents, &h);
	inherited_fini(&h);
	return rc;
}
