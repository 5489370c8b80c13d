/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's bytes; see plan.h. They are the struct's fields in the struct's order; a list is a u32
 * count and its items. A later protocol version appends at the end, also what belongs to a block.
 * Counts are checked against their bounds, and against the bytes that are left, before anything is
 * allocated.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "field.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define OPTION_LEAST  (2 * 2)
#define DIM_LEAST     (2 + 8)
#define TENSOR_LEAST  (2 * 2 + 1 + 3 * 8 + 1)
#define CASE_LEAST    (2 * 4)
#define SUPPORT_LEAST (2 * 2)

static const struct field head_fields[] = {
	FIELD(struct plan, job),
	FIELD(struct plan, variant),
	FIELD(struct plan, runner),
	FIELD(struct plan, runner_sha256),
	FIELD(struct plan, runtime_sha256),
	FIELD(struct plan, model_sha256),
	FIELD(struct plan, model_bytes),
	FIELD(struct plan, threads),
	FIELD(struct plan, inter_threads),
	FIELD(struct plan, optimization),
	FIELD(struct plan, provider),
	FIELD(struct plan, strict),
};

static const struct field option_fields[] = {
	FIELD(struct plan_option, key),
	FIELD(struct plan_option, value),
};

static const struct field support_fields[] = {
	FIELD(struct plan_support, name),
	FIELD(struct plan_support, sha256),
};

static const struct field tensor_fields[] = {
	FIELD(struct plan_tensor, name),
	FIELD(struct plan_tensor, sha256),
	FIELD(struct plan_tensor, fill),
	FIELD(struct plan_tensor, seed),
	FIELD(struct plan_tensor, low),
	FIELD(struct plan_tensor, high),
	FIELD(struct plan_tensor, n_dims),
};

static const struct field block_fields[] = {
	FIELD(struct plan_block, on),
	FIELD(struct plan_block, min_runs),
	FIELD(struct plan_block, max_runs),
	FIELD(struct plan_block, min_ms),
	FIELD(struct plan_block, max_ms),
	FIELD(struct plan_block, period_ns),
};

static const struct field golden_fields[] = {
	FIELD(struct plan, tolerance.cosine_min),
	FIELD(struct plan, tolerance.sqnr_db_min),
	FIELD(struct plan, tolerance.max_abs),
	FIELD(struct plan, tolerance.top1_min),
	FIELD(struct plan, golden_stop),
};

static const struct field measure_fields[] = {
	FIELD(struct plan, cold_loads),
	FIELD(struct plan, warm_loads),
	FIELD(struct plan, coverage),
	FIELD(struct plan, warmup_min_runs),
	FIELD(struct plan, warmup_min_ms),
	FIELD(struct plan, warmup_max_ms),
	FIELD(struct plan, baseline_ms),
	FIELD(struct plan, thermal_wait_ms),
	FIELD(struct plan, thermal_start_mc),
};

static const struct field tail_fields[] = {
	FIELD(struct plan, budget_ns),
	FIELD(struct plan, sample_hz),
	FIELD(struct plan, sample_hz_timed),
	FIELD(struct plan, deadline_ms),
	FIELD(struct plan, stall_ms),
	FIELD(struct plan, memory_bytes),
};

/* ---- encoding ---- */

static bool too_many(uint32_t n, uint32_t max, struct proto_w *w)
{
	if (n > max)
		w->full = true;
	return n > max;
}

static void put_options(struct proto_w *w, const struct plan_option *o, uint32_t n)
{
	if (too_many(n, PLAN_OPTIONS_MAX, w))
		return;
	proto_put_u32(w, n);
	for (uint32_t i = 0; i < n; i++)
		FIELD_PUT(w, option_fields, &o[i]);
}

static void put_dimensions(struct proto_w *w, const struct plan *p)
{
	if (too_many(p->n_dimensions, PLAN_OPTIONS_MAX, w))
		return;
	proto_put_u32(w, p->n_dimensions);
	for (uint32_t i = 0; i < p->n_dimensions; i++) {
		proto_put_text(w, p->dimensions[i].name);
		proto_put_i64(w, p->dimensions[i].value);
	}
}

static void put_tensors(struct proto_w *w, const struct plan_tensor *t, uint32_t n, uint32_t max)
{
	if (too_many(n, max, w))
		return;
	proto_put_u32(w, n);
	for (uint32_t i = 0; i < n; i++) {
		if (too_many(t[i].n_dims, PLAN_DIMS, w))
			return;
		FIELD_PUT(w, tensor_fields, &t[i]);
		for (int d = 0; d < t[i].n_dims; d++)
			proto_put_i64(w, t[i].dims[d]);
	}
}

static void put_cases(struct proto_w *w, const struct plan *p)
{
	if (too_many(p->n_cases, PLAN_CASES_MAX, w))
		return;
	proto_put_u32(w, p->n_cases);
	for (uint32_t i = 0; i < p->n_cases; i++) {
		put_tensors(w, p->cases[i].inputs, p->cases[i].n_inputs, PLAN_TENSORS_MAX);
		put_tensors(w, p->cases[i].outputs, p->cases[i].n_outputs, PLAN_TENSORS_MAX);
	}
}

static void put_support(struct proto_w *w, const struct plan *p)
{
	proto_put_text(w, p->loader_sha256);
	if (too_many(p->n_support, PLAN_SUPPORT_MAX, w))
		return;
	proto_put_u32(w, p->n_support);
	for (uint32_t i = 0; i < p->n_support; i++)
		FIELD_PUT(w, support_fields, &p->support[i]);
}

size_t plan_encode(const struct plan *p, void *dst, size_t cap)
{
	struct proto_w w;

	proto_w_init(&w, dst, cap);
	FIELD_PUT(&w, head_fields, p);
	put_options(&w, p->provider_options, p->n_provider_options);
	put_options(&w, p->session_options, p->n_session_options);
	put_dimensions(&w, p);
	proto_put_u8(&w, p->fix_dimensions);
	put_tensors(&w, p->inputs, p->n_inputs, PLAN_INPUTS_MAX);
	put_cases(&w, p);
	FIELD_PUT(&w, golden_fields, p);
	FIELD_PUT(&w, measure_fields, p);
	FIELD_PUT(&w, block_fields, &p->back2back);
	FIELD_PUT(&w, block_fields, &p->paced);
	FIELD_PUT(&w, block_fields, &p->sustained);
	FIELD_PUT(&w, tail_fields, p);
	put_support(&w, p);
	return w.full ? 0 : w.len;
}

/* ---- decoding ---- */

/* A hash becomes a file's name on the device, so nothing else may stand in its place. */
static void check_sha(struct proto_r *r, const char *sha)
{
	size_t n = strspn(sha, "0123456789abcdef");

	if (sha[n] || (n && n != PLAN_SHA - 1))
		r->bad = true;
}

static uint32_t get_options(struct proto_r *r, struct plan_option *ret_o)
{
	uint32_t n = field_get_count(r, PLAN_OPTIONS_MAX, OPTION_LEAST);

	for (uint32_t i = 0; i < n; i++)
		FIELD_GET(r, option_fields, &ret_o[i]);
	return n;
}

static void get_dimensions(struct proto_r *r, struct plan *p)
{
	p->n_dimensions = field_get_count(r, PLAN_OPTIONS_MAX, DIM_LEAST);
	for (uint32_t i = 0; i < p->n_dimensions; i++) {
		proto_get_text(r, p->dimensions[i].name, sizeof(p->dimensions[i].name));
		p->dimensions[i].value = proto_get_i64(r);
	}
}

static void get_tensor(struct proto_r *r, struct plan_tensor *t)
{
	FIELD_GET(r, tensor_fields, t);
	check_sha(r, t->sha256);
	if (t->fill > PLAN_FILL_UNIFORM || t->n_dims > PLAN_DIMS) {
		r->bad = true;
		return;
	}
	for (int d = 0; d < t->n_dims; d++)
		t->dims[d] = proto_get_i64(r);
}

/* Returns the tensors, allocated, and their number; NULL and 0 for none or a bad list. */
static struct plan_tensor *get_tensors(struct proto_r *r, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = field_get_count(r, max, TENSOR_LEAST);
	struct plan_tensor *t = n ? calloc(n, sizeof(*t)) : NULL;

	*ret_n = t ? n : 0;
	if (n && !t)
		r->bad = true;
	for (uint32_t i = 0; i < *ret_n && !r->bad; i++)
		get_tensor(r, &t[i]);
	return t;
}

static void get_cases(struct proto_r *r, struct plan *p)
{
	uint32_t n = field_get_count(r, PLAN_CASES_MAX, CASE_LEAST);

	if (!n)
		return;
	p->cases = calloc(n, sizeof(*p->cases));
	if (!p->cases) {
		r->bad = true;
		return;
	}
	p->n_cases = n;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		struct plan_case *c = &p->cases[i];

		c->inputs = get_tensors(r, PLAN_TENSORS_MAX, &c->n_inputs);
		c->outputs = get_tensors(r, PLAN_TENSORS_MAX, &c->n_outputs);
	}
}

static void get_model(struct proto_r *r, struct plan *p)
{
	FIELD_GET(r, head_fields, p);
	check_sha(r, p->runner_sha256);
	check_sha(r, p->runtime_sha256);
	check_sha(r, p->model_sha256);
	p->n_provider_options = get_options(r, p->provider_options);
	p->n_session_options = get_options(r, p->session_options);
	get_dimensions(r, p);
	p->fix_dimensions = proto_get_u8(r);
}

/* A library's name becomes one in a directory of the agent's. */
static bool is_file_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static void get_support(struct proto_r *r, struct plan *p)
{
	if (!proto_left(r))
		return; /* version 1 */
	proto_get_text(r, p->loader_sha256, sizeof(p->loader_sha256));
	check_sha(r, p->loader_sha256);
	p->n_support = field_get_count(r, PLAN_SUPPORT_MAX, SUPPORT_LEAST);
	for (uint32_t i = 0; i < p->n_support; i++) {
		FIELD_GET(r, support_fields, &p->support[i]);
		check_sha(r, p->support[i].sha256);
		if (!is_file_name(p->support[i].name) || !*p->support[i].sha256)
			r->bad = true;
	}
}

int plan_decode(const void *src, size_t n, struct plan *ret_p)
{
	struct proto_r r;

	memset(ret_p, 0, sizeof(*ret_p));
	proto_r_init(&r, src, n);
	get_model(&r, ret_p);
	ret_p->inputs = get_tensors(&r, PLAN_INPUTS_MAX, &ret_p->n_inputs);
	get_cases(&r, ret_p);
	FIELD_GET(&r, golden_fields, ret_p);
	FIELD_GET(&r, measure_fields, ret_p);
	FIELD_GET(&r, block_fields, &ret_p->back2back);
	FIELD_GET(&r, block_fields, &ret_p->paced);
	FIELD_GET(&r, block_fields, &ret_p->sustained);
	FIELD_GET(&r, tail_fields, ret_p);
	get_support(&r, ret_p);
	return r.bad ? -1 : 0;
}

void plan_fini(struct plan *p)
{
	for (uint32_t i = 0; i < p->n_cases; i++) {
		free(p->cases[i].inputs);
		free(p->cases[i].outputs);
	}
	free(p->cases);
	free(p->inputs);
	p->cases = NULL;
	p->inputs = NULL;
	p->n_cases = p->n_inputs = 0;
}

/* ---- names ---- */

static const char *const phases[] = {
	[PHASE_NONE] = "none",
	[PHASE_BASELINE] = "baseline",
	[PHASE_LOAD_COLD] = "load_cold",
	[PHASE_GOLDEN] = "golden",
	[PHASE_COVERAGE] = "coverage",
	[PHASE_LOAD_WARM] = "load_warm",
	[PHASE_FIRST] = "first",
	[PHASE_WARMUP] = "warmup",
	[PHASE_THERMAL] = "thermal",
	[PHASE_BACK2BACK] = "back_to_back",
	[PHASE_PACED] = "paced",
	[PHASE_SUSTAINED] = "sustained",
	[PHASE_AFTER] = "after",
};

static const char *const outcomes[] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_GOLDEN] = "golden",
	[OUTCOME_MODEL] = "model",
	[OUTCOME_CRASH] = "crash",
	[OUTCOME_HANG] = "hang",
	[OUTCOME_MEMORY] = "memory",
	[OUTCOME_RUNTIME] = "runtime",
	[OUTCOME_INTERRUPTED] = "interrupted",
	[OUTCOME_LEASE] = "lease",
	[OUTCOME_STORAGE] = "storage",
	[OUTCOME_INTERNAL] = "internal",
};

static const char *name(const char *const *names, size_t n, int i)
{
	return i >= 0 && (size_t)i < n ? names[i] : "unknown";
}

const char *phase_name(int phase)
{
	return name(phases, COUNT(phases), phase);
}

const char *outcome_name(int outcome)
{
	return name(outcomes, COUNT(outcomes), outcome);
}
