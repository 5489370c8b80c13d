/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with its inputs and outputs bound, so that a run names nothing, allocates nothing for
 * inputs and, where the model declares whole shapes, nothing for outputs: those are allocated here
 * once. An output with a free dimension is left to the runtime, in the CPU's memory.
 */
#ifndef FRAMEFARM_RUNNER_BINDING_H
#define FRAMEFARM_RUNNER_BINDING_H

#include "session.h"
#include "tensor.h"

struct binding {
	struct session *session; /* borrowed */
	struct ort_binding *b;
	uint32_t n_values;
	struct ort_value **values; /* what is bound */
	struct tensor *outputs;    /* memory of preallocated ones */
};

/* What the last run gave, as views; *tensors live until binding_release() or the next run. An
 * output that is no tensor of a known element type has type 0. */
struct binding_results {
	struct ort_value **values;
	size_t n;
	struct tensor *tensors;
};

/* inputs: one a model input, in the model's order; borrowed until binding_fini(). */
int binding_init(struct binding *b, struct session *s, const struct tensor *inputs, struct fail *f);
void binding_fini(struct binding *b); /* a zeroed struct is allowed */

/* One inference; what the timed loop calls. NULL for success. */
static inline struct ort_status *binding_run(const struct binding *b)
{
	const struct ort *o = b->session->ort;

	return o->RunWithBinding(b->session->s, o->run, b->b);
}

int binding_results(struct binding *b, struct binding_results *ret_r, struct fail *f);
void binding_release(struct binding *b, struct binding_results *r);

#endif
