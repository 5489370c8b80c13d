/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a model; see session.h. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hush.h"
#include "provider.h"

#define CONFIG_STRICT "session.disable_cpu_ep_fallback"
#define CONFIG_ASSIGN "session.record_ep_graph_assignment_info"

static const int optimizations[] = {
	ORT_OPT_DISABLE,
	ORT_OPT_BASIC,
	ORT_OPT_EXTENDED,
	ORT_OPT_ALL,
};

/* ---- options ---- */

/* Entries that are no configuration keys of the runtime but calls of its API. */
static int set_special(
	struct ort *o, struct ort_options *options, const struct plan_option *opt, struct fail *f)
{
	bool off = !strcmp(opt->value, "0");

	if (!off && strcmp(opt->value, "1"))
		return fail_set(f, OUTCOME_MODEL, "session option \"%s\" must be 0 or 1", opt->key);
	if (off && !strcmp(opt->key, "cpu_mem_arena"))
		return ort_check(o, o->DisableCpuMemArena(options), f, opt->key);
	if (off && !strcmp(opt->key, "mem_pattern"))
		return ort_check(o, o->DisableMemPattern(options), f, opt->key);
	return 0;
}

static int set_config(
	struct ort *o, struct ort_options *options, const struct plan *plan, struct fail *f)
{
	for (uint32_t i = 0; i < plan->n_session_options; i++) {
		const struct plan_option *opt = &plan->session_options[i];

		if (!strchr(opt->key, '.')) {
			if (strcmp(opt->key, "cpu_mem_arena") && strcmp(opt->key, "mem_pattern"))
				return fail_set(f, OUTCOME_MODEL,
					"there is no session option \"%s\"; the runtime's have a "
					"dot in their name, the others are cpu_mem_arena and "
					"mem_pattern",
					opt->key);
			if (set_special(o, options, opt, f))
				return -1;
			continue;
		}
		if (ort_check(o, o->AddSessionConfigEntry(options, opt->key, opt->value), f,
			    opt->key))
			return -1;
	}
	if (plan->strict && !provider_is_cpu(plan->provider))
		return ort_check(
			o, o->AddSessionConfigEntry(options, CONFIG_STRICT, "1"), f, CONFIG_STRICT);
	return 0;
}

static int set_dimensions(
	struct ort *o, struct ort_options *options, const struct plan *plan, struct fail *f)
{
	for (uint32_t i = 0; plan->fix_dimensions && i < plan->n_dimensions; i++)
		if (ort_check(o,
			    o->AddFreeDimensionOverrideByName(
				    options, plan->dimensions[i].name, plan->dimensions[i].value),
			    f, plan->dimensions[i].name))
			return -1;
	return 0;
}

static int set_threads(
	struct ort *o, struct ort_options *options, const struct plan *plan, struct fail *f)
{
	if (plan->threads > 0 &&
		ort_check(o, o->SetIntraOpNumThreads(options, plan->threads), f, "threads"))
		return -1;
	if (plan->inter_threads > 0 &&
		ort_check(o, o->SetInterOpNumThreads(options, plan->inter_threads), f,
			"inter_threads"))
		return -1;
	/* Branches run side by side only in the parallel executor. */
	if (plan->inter_threads > 1)
		return ort_check(o, o->SetSessionExecutionMode(options, ORT_MODE_PARALLEL), f,
			"inter_threads");
	return 0;
}

static int set_profile(
	struct ort *o, struct ort_options *options, const char *prefix, struct fail *f)
{
	if (!prefix)
		return 0;
	if (ort_check(o, o->EnableProfiling(options, prefix), f, "profiling"))
		return -1;
	if (o->api < ORT_API_MORE)
		return 0;
	return ort_check(
		o, o->AddSessionConfigEntry(options, CONFIG_ASSIGN, "1"), f, CONFIG_ASSIGN);
}

static int set_options(struct ort *o, struct ort_options *options, const struct plan *plan,
	const char *profile_prefix, struct fail *f)
{
	int level = optimizations[plan->optimization < 3 ? plan->optimization : 3];

	if (ort_check(o, o->SetSessionGraphOptimizationLevel(options, level), f, "optimization"))
		return -1;
	if (set_threads(o, options, plan, f) || set_config(o, options, plan, f) ||
		set_dimensions(o, options, plan, f) || set_profile(o, options, profile_prefix, f))
		return -1;
	return provider_append(o, options, plan, f);
}

/* ---- signature ---- */

static int read_tensor_info(struct session *s, const struct ort_tensor_info *info,
	struct session_io *io, struct fail *f)
{
	const char *symbols[TENSOR_DIMS] = {NULL};
	struct ort *o = s->ort;
	size_t n = 0;

	if (ort_check(o, o->GetTensorElementType(info, &io->type), f, "element type") ||
		ort_check(o, o->GetDimensionsCount(info, &n), f, "dimensions"))
		return -1;
	if (n > TENSOR_DIMS)
		return fail_set(f, OUTCOME_MODEL, "\"%.60s\" has %zu dimensions; at most %d work",
			io->name, n, TENSOR_DIMS);
	io->n_dims = (int)n;
	if (!n)
		return 0;
	if (ort_check(o, o->GetDimensions(info, io->dims, n), f, "dimensions") ||
		ort_check(o, o->GetSymbolicDimensions(info, symbols, n), f, "dimensions"))
		return -1;
	for (size_t i = 0; i < n; i++)
		snprintf(io->symbols[i], PLAN_NAME, "%s", symbols[i] ? symbols[i] : "");
	return 0;
}

static int read_name(struct session *s, bool input, size_t i, struct session_io *io, struct fail *f)
{
	struct ort *o = s->ort;
	struct ort_status *st;
	char *name = NULL;

	if (input)
		st = o->SessionGetInputName(s->s, i, o->allocator, &name);
	else
		st = o->SessionGetOutputName(s->s, i, o->allocator, &name);
	if (ort_check(o, st, f, "name"))
		return -1;
	io->name = strdup(name);
	if (ort_check(o, o->AllocatorFree(o->allocator, name), f, "name"))
		return -1;
	return io->name ? 0 : fail_set(f, OUTCOME_MEMORY, "no memory for the model's names");
}

static int read_io(struct session *s, bool input, size_t i, struct session_io *io, struct fail *f)
{
	const struct ort_tensor_info *info = NULL;
	struct ort_type_info *type = NULL;
	struct ort *o = s->ort;
	struct ort_status *st;
	int kind = 0, rc;

	if (read_name(s, input, i, io, f))
		return -1;
	if (input)
		st = o->SessionGetInputTypeInfo(s->s, i, &type);
	else
		st = o->SessionGetOutputTypeInfo(s->s, i, &type);
	if (ort_check(o, st, f, "type"))
		return -1;
	rc = ort_check(o, o->GetOnnxTypeFromTypeInfo(type, &kind), f, "type");
	io->is_tensor = !rc && kind == ORT_KIND_TENSOR;
	if (io->is_tensor)
		rc = ort_check(o, o->CastTypeInfoToTensorInfo(type, &info), f, "type") ||
		     read_tensor_info(s, info, io, f);
	o->ReleaseTypeInfo(type);
	return rc ? -1 : 0;
}

static int read_ios(
	struct session *s, bool input, uint32_t *ret_n, struct session_io **ret_ios, struct fail *f)
{
	struct ort *o = s->ort;
	struct ort_status *st;
	size_t n = 0;

	st = input ? o->SessionGetInputCount(s->s, &n) : o->SessionGetOutputCount(s->s, &n);
	if (ort_check(o, st, f, "the model's signature"))
		return -1;
	if (n > SESSION_IO_MAX)
		return fail_set(f, OUTCOME_MODEL, "the model has %zu %s; at most %d work", n,
			input ? "inputs" : "outputs", SESSION_IO_MAX);
	*ret_ios = calloc(n + 1, sizeof(**ret_ios));
	if (!*ret_ios)
		return fail_set(f, OUTCOME_MEMORY, "no memory for the model's signature");
	*ret_n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		if (read_io(s, input, i, &(*ret_ios)[i], f))
			return fail_wrap(f, "the model's %s %zu", input ? "input" : "output", i);
	return 0;
}

/* ---- life ---- */

int session_open(struct ort *o, const struct plan *plan, const void *model, size_t n,
	const char *profile_prefix, struct session **ret_s, struct fail *f)
{
	struct ort_options *options = NULL;
	struct ort_status *st;
	struct session *s;
	int rc;

	if (!n)
		return fail_set(f, OUTCOME_MODEL, "the model file is empty");
	if (ort_check(o, o->CreateSessionOptions(&options), f, "session options"))
		return -1;
	s = calloc(1, sizeof(*s));
	rc = s ? set_options(o, options, plan, profile_prefix, f)
	       : fail_set(f, OUTCOME_MEMORY, "no memory for a session");
	if (!rc) {
		s->ort = o;
		hush_begin();
		st = o->CreateSessionFromArray(o->env, model, n, options, &s->s);
		hush_end();
		rc = ort_check(o, st, f, "the runtime refuses the model");
	}
	o->ReleaseSessionOptions(options);
	if (rc || read_ios(s, true, &s->n_inputs, &s->inputs, f) ||
		read_ios(s, false, &s->n_outputs, &s->outputs, f)) {
		session_close(s);
		return -1;
	}
	*ret_s = s;
	return 0;
}

static void free_ios(struct session_io *ios, uint32_t n)
{
	for (uint32_t i = 0; ios && i < n; i++)
		free(ios[i].name);
	free(ios);
}

void session_close(struct session *s)
{
	if (!s)
		return;
	free_ios(s->inputs, s->n_inputs);
	free_ios(s->outputs, s->n_outputs);
	if (s->s)
		s->ort->ReleaseSession(s->s);
	free(s);
}

int session_find(const struct session_io *ios, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(ios[i].name, name))
			return (int)i;
	return -1;
}
