/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the plan's inputs to one tensor for each input of the model, its type and shape checked
 * against what the model declares. Free dimensions take their size from the plan's dimensions. An
 * input that the plan does not name is filled with seeded noise if it is floating-point or bool; an
 * integer may be an index, so the job must say its range. Every refusal names the input, what the
 * model expects and what it got. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_INPUTS_H
#define FRAMEFARM_RUNNER_INPUTS_H

#include "files.h"
#include "session.h"
#include "tensor.h"

#define INPUTS_SEED 1 /* of inputs that the plan does not name */

/* over: a golden case whose inputs come before the plan's, or NULL. ret_tensors: n_inputs of them;
 * free with inputs_free(). */
int inputs_make(const struct session *s, const struct plan *plan, const struct plan_case *over,
	const struct files *files, struct tensor **ret_tensors, struct fail *f);
void inputs_free(struct tensor *tensors, uint32_t n); /* NULL is allowed */

#endif
