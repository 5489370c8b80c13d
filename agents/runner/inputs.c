/* SPDX-License-Identifier: Apache-2.0 */
/* The model's inputs; see inputs.h. */
#include "inputs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fill.h"
#include "tensorpb.h"

static const struct plan_tensor *find(const struct plan_tensor *list, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

/* The size that the plan gives a free dimension, or -1. */
static int64_t dimension(const struct plan *plan, const char *symbol)
{
	for (uint32_t i = 0; symbol[0] && i < plan->n_dimensions; i++)
		if (!strcmp(plan->dimensions[i].name, symbol))
			return plan->dimensions[i].value;
	return -1;
}

/* ---- shapes ---- */

static bool fits(
	const struct session_io *io, const struct plan *plan, int n_dims, const int64_t *dims)
{
	int64_t want;

	if (n_dims != io->n_dims)
		return false;
	for (int i = 0; i < n_dims; i++) {
		want = io->dims[i] >= 0 ? io->dims[i] : dimension(plan, io->symbols[i]);
		if (want >= 0 && dims[i] != want)
			return false;
	}
	return true;
}

static int refuse_shape(const struct session_io *io, const struct plan *plan, int type, int n_dims,
	const int64_t *dims, struct fail *f)
{
	int64_t want[TENSOR_DIMS];
	char expected[TENSOR_TEXT], got[TENSOR_TEXT];

	for (int i = 0; i < io->n_dims; i++)
		want[i] = io->dims[i] >= 0 ? io->dims[i] : dimension(plan, io->symbols[i]);
	tensor_describe(expected, io->type, io->n_dims, want);
	tensor_describe(got, type, n_dims, dims);
	return fail_set(
		f, OUTCOME_MODEL, "the model expects %.70s, the job gives %.70s", expected, got);
}

/* The shape to fill: the plan's, or the model's with its free dimensions put in. */
static int choose_shape(const struct session_io *io, const struct plan *plan,
	const struct plan_tensor *in, int64_t ret_dims[TENSOR_DIMS], struct fail *f)
{
	if (in && in->n_dims) {
		if (!fits(io, plan, in->n_dims, in->dims))
			return refuse_shape(io, plan, io->type, in->n_dims, in->dims, f);
		memcpy(ret_dims, in->dims, in->n_dims * sizeof(*ret_dims));
		return 0;
	}
	for (int i = 0; i < io->n_dims; i++) {
		ret_dims[i] = io->dims[i] >= 0 ? io->dims[i] : dimension(plan, io->symbols[i]);
		if (ret_dims[i] >= 0)
			continue;
		if (io->symbols[i][0])
			return fail_set(f, OUTCOME_MODEL,
				"its dimension \"%.40s\" is free; give its size in \"dimensions\"",
				io->symbols[i]);
		return fail_set(f, OUTCOME_MODEL,
			"its dimension %d is free and has no name; give the input a \"shape\"", i);
	}
	return 0;
}

/* ---- values ---- */

static int read_file(const struct session_io *io, const struct plan *plan,
	const struct plan_tensor *in, const struct files *files, struct tensor *ret_t,
	struct fail *f)
{
	struct map m;
	int rc;

	if (files_map(files, in->sha256, &m, f))
		return -1;
	rc = tensorpb_read(m.data, m.n, ret_t, NULL, f);
	map_fini(&m);
	if (rc)
		return -1;
	if (ret_t->type != io->type || !fits(io, plan, ret_t->n_dims, ret_t->dims))
		return refuse_shape(io, plan, ret_t->type, ret_t->n_dims, ret_t->dims, f);
	return 0;
}

static int fill(const struct session_io *io, const struct plan *plan, const struct plan_tensor *in,
	struct tensor *ret_t, struct fail *f)
{
	int64_t dims[TENSOR_DIMS];
	bool whole = !tensor_type_is_float(io->type) && io->type != TENSOR_BOOL;

	if (!in && whole)
		return fail_set(f, OUTCOME_MODEL,
			"it is %s, and the job does not say what it may hold; give a file, or a "
			"seed "
			"with \"fill\": \"uniform\", \"low\" and \"high\"",
			tensor_type_name(io->type));
	if (in && in->fill == PLAN_FILL_UNIFORM &&
		!(in->low <= in->high && isfinite(in->high - in->low)))
		return fail_set(
			f, OUTCOME_MODEL, "its range from %g to %g is not one", in->low, in->high);
	if (choose_shape(io, plan, in, dims, f) ||
		tensor_init(ret_t, io->type, io->n_dims, dims, f))
		return -1;
	if (in && in->fill == PLAN_FILL_UNIFORM)
		fill_tensor_uniform(ret_t, in->seed, in->low, in->high);
	else
		fill_tensor_normal(ret_t, in ? in->seed : INPUTS_SEED);
	return 0;
}

static int make_one(const struct session_io *io, const struct plan *plan,
	const struct plan_case *over, const struct files *files, struct tensor *ret_t,
	struct fail *f)
{
	const struct plan_tensor *in = NULL;

	if (!io->is_tensor)
		return fail_set(f, OUTCOME_MODEL,
			"it is a sequence, map or optional; this runner feeds tensors only");
	if (!tensor_type_size(io->type) && io->type != TENSOR_STRING)
		return fail_set(f, OUTCOME_MODEL,
			"its element type is %s, which this runner does not feed",
			tensor_type_name(io->type));
	if (over)
		in = find(over->inputs, over->n_inputs, io->name);
	if (!in)
		in = find(plan->inputs, plan->n_inputs, io->name);
	if (in && in->fill == PLAN_FILL_FILE)
		return read_file(io, plan, in, files, ret_t, f);
	if (io->type == TENSOR_STRING)
		return fail_set(f, OUTCOME_MODEL,
			"its element type is string, which no seed fills; give a file");
	return fill(io, plan, in, ret_t, f);
}

static int check_names(
	const struct session *s, const struct plan_tensor *list, uint32_t n, struct fail *f)
{
	for (uint32_t i = 0; i < n; i++)
		if (session_find(s->inputs, s->n_inputs, list[i].name) < 0)
			return fail_set(f, OUTCOME_MODEL,
				"the model has no input \"%s\"; its first is \"%.60s\"",
				list[i].name, s->n_inputs ? s->inputs[0].name : "");
	return 0;
}

int inputs_make(const struct session *s, const struct plan *plan, const struct plan_case *over,
	const struct files *files, struct tensor **ret_tensors, struct fail *f)
{
	struct tensor *t;

	if (check_names(s, plan->inputs, plan->n_inputs, f) ||
		(over && check_names(s, over->inputs, over->n_inputs, f)))
		return -1;
	t = calloc(s->n_inputs + 1, sizeof(*t));
	if (!t)
		return fail_set(f, OUTCOME_MEMORY, "no memory for the inputs");
	for (uint32_t i = 0; i < s->n_inputs; i++)
		if (make_one(&s->inputs[i], plan, over, files, &t[i], f)) {
			inputs_free(t, s->n_inputs);
			return fail_wrap(f, "input \"%.60s\"", s->inputs[i].name);
		}
	*ret_tensors = t;
	return 0;
}

void inputs_free(struct tensor *tensors, uint32_t n)
{
	for (uint32_t i = 0; tensors && i < n; i++)
		tensor_fini(&tensors[i]);
	free(tensors);
}
