/* SPDX-License-Identifier: Apache-2.0 */
/* Golden cases; see cases.h. */
#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "golden.h"
#include "inputs.h"
#include "msg.h"
#include "tensorpb.h"

struct check {
	struct session *session;
	const struct assignment *a;
	struct report *report;
	struct golden_total total;
	bool pass;
	struct fail *why; /* of the first that missed */
	double worst_badness;
	char worst[FAIL_TEXT]; /* "" before the first output */
};

/* "golden.case3.probs.", with the output's number where its name does not fit a key. */
static void key_of(char dst[MSG_NAME], uint32_t i, int output, const char *name)
{
	char clean[MSG_NAME];
	int n;

	text_key(clean, sizeof(clean), name);
	n = snprintf(dst, MSG_NAME, "golden.case%u.%s.", i, clean);
	if (n + strlen("sqnr_db") >= MSG_NAME)
		snprintf(dst, MSG_NAME, "golden.case%u.output%d.", i, output);
}

static void report_output(
	struct check *c, uint32_t i, int output, const char *name, const struct golden_metrics *m)
{
	char key[MSG_NAME];
	double top1 = golden_top1(m->rows, m->rows_agree);

	if (c->total.outputs > CASES_FACTS_MAX)
		return;
	key_of(key, i, output, name);
	report_num(c->report, m->cosine, "%scosine", key);
	report_num(c->report, m->sqnr_db, "%ssqnr_db", key);
	report_num(c->report, m->max_abs, "%smax_abs", key);
	if (!isnan(top1))
		report_num(c->report, top1, "%stop1", key);
}

static void note_worst(
	struct check *c, uint32_t i, const char *name, const struct golden_metrics *m)
{
	double badness = golden_badness(m);

	if (c->worst[0] && !(badness > c->worst_badness))
		return;
	c->worst_badness = badness;
	snprintf(c->worst, sizeof(c->worst),
		"case %u, output \"%.60s\": cosine %.6f, SQNR %.2f dB, largest error %.6g%s%s%s", i,
		name, m->cosine, m->sqnr_db, m->max_abs, m->nan ? ", NaN" : "",
		m->inf ? ", infinite" : "", m->constant ? ", constant" : "");
}

static int read_reference(struct check *c, const struct plan_tensor *want, const struct tensor *out,
	struct tensor *ret_ref, struct fail *f)
{
	char expected[TENSOR_TEXT], got[TENSOR_TEXT];
	struct map m;
	int rc;

	if (files_map(&c->a->files, want->sha256, &m, f))
		return -1;
	rc = tensorpb_read(m.data, m.n, ret_ref, NULL, f);
	map_fini(&m);
	if (rc)
		return -1;
	if (tensor_same_shape(ret_ref, out))
		return 0;
	tensor_describe(expected, ret_ref->type, ret_ref->n_dims, ret_ref->dims);
	tensor_describe(got, out->type, out->n_dims, out->dims);
	tensor_fini(ret_ref);
	return fail_set(f, OUTCOME_MODEL, "the reference is %.70s, the model gives %.70s", expected,
		out->type ? got : "no tensor");
}

static int compare_output(struct check *c, uint32_t i, const struct plan_tensor *want,
	const struct binding_results *results, struct fail *f)
{
	int at = session_find(c->session->outputs, c->session->n_outputs, want->name);
	struct golden_metrics m;
	struct tensor ref = {0};
	char why[FAIL_TEXT / 2];

	if (at < 0)
		return fail_set(f, OUTCOME_MODEL,
			"the model has no such output; its first is \"%.60s\"",
			c->session->n_outputs ? c->session->outputs[0].name : "");
	if (read_reference(c, want, &results->tensors[at], &ref, f))
		return -1;
	golden_compare(&ref, &results->tensors[at], &m);
	tensor_fini(&ref);
	golden_add(&c->total, &m);
	report_output(c, i, at, want->name, &m);
	note_worst(c, i, want->name, &m);
	if (!golden_judge(&m, &c->a->plan.tolerance, why, sizeof(why)) && c->pass) {
		c->pass = false;
		fail_set(c->why, OUTCOME_GOLDEN, "golden case %u, output \"%s\": %s", i, want->name,
			why);
	}
	return 0;
}

static int compare_outputs(
	struct check *c, uint32_t i, const struct binding_results *results, struct fail *f)
{
	const struct plan_case *kase = &c->a->plan.cases[i];

	for (uint32_t j = 0; j < kase->n_outputs; j++)
		if (compare_output(c, i, &kase->outputs[j], results, f))
			return fail_wrap(f, "output \"%.60s\"", kase->outputs[j].name);
	return 0;
}

static int run_case(struct check *c, uint32_t i, struct fail *f)
{
	const struct plan *plan = &c->a->plan;
	struct session *s = c->session;
	struct binding_results results = {0};
	struct binding binding = {0};
	struct tensor *inputs = NULL;
	int rc = -1;

	if (inputs_make(s, plan, &plan->cases[i], &c->a->files, &inputs, f))
		return -1;
	if (binding_init(&binding, s, inputs, f) ||
		ort_check(s->ort, binding_run(&binding), f, "the inference failed") ||
		binding_results(&binding, &results, f))
		goto out;
	rc = compare_outputs(c, i, &results, f);
	binding_release(&binding, &results);
out:
	binding_fini(&binding);
	inputs_free(inputs, s->n_inputs);
	return rc;
}

static void report_totals(struct check *c)
{
	const struct golden_total *t = &c->total;
	double top1 = golden_top1(t->rows, t->rows_agree);

	report_int(c->report, c->a->plan.n_cases, "golden.cases");
	report_num(c->report, t->cosine_min, "golden.cosine_min");
	report_num(c->report, t->sqnr_db_min, "golden.sqnr_db_min");
	report_num(c->report, t->max_abs, "golden.max_abs");
	if (!isnan(top1))
		report_num(c->report, top1, "golden.top1");
	report_int(c->report, (int64_t)t->nan, "golden.nan");
	report_int(c->report, (int64_t)t->inf, "golden.inf");
	report_int(c->report, t->constant, "golden.constant");
	report_text(c->report, c->worst, "golden.worst");
	report_text(c->report, c->pass ? "pass" : "fail", "golden.verdict");
}

int cases_run(struct session *s, const struct assignment *a, const struct channel *channel,
	struct report *report, bool *ret_pass, struct fail *ret_why, struct fail *f)
{
	struct check c = {.session = s, .a = a, .report = report, .pass = true, .why = ret_why};
	char why[FAIL_TEXT / 2];

	for (uint32_t i = 0; i < a->plan.n_cases; i++) {
		report_alive(report);
		if (channel_cancelled(channel))
			return 0;
		if (run_case(&c, i, f))
			return fail_wrap(f, "golden case %u", i);
	}
	if (!golden_judge_top1(&c.total, &a->plan.tolerance, why, sizeof(why)) && c.pass) {
		c.pass = false;
		fail_set(ret_why, OUTCOME_GOLDEN, "golden cases: %s", why);
	}
	report_totals(&c);
	*ret_pass = c.pass;
	return 0;
}
