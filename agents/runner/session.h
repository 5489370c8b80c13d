/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model that is loaded, with what it wants and gives. The model comes as bytes, not as a path: it
 * reaches the runner as a descriptor, and opening that again under its /proc name asks for rights
 * that the runner's user and its Landlock rules need not have. (Measured beside a path, see
 * README.md: same load time; the mapped file counts in the peak while it is parsed.)
 */
#ifndef FRAMEFARM_RUNNER_SESSION_H
#define FRAMEFARM_RUNNER_SESSION_H

#include "ort.h"
#include "plan.h"
#include "tensor.h"

#define SESSION_IO_MAX 4096 /* inputs, or outputs, of a model */

struct session_io {
	char *name;
	bool is_tensor; /* otherwise a sequence, map or optional: named, never fed */
	int type;       /* enum tensor_type */
	int n_dims;
	int64_t dims[TENSOR_DIMS];            /* -1: free */
	char symbols[TENSOR_DIMS][PLAN_NAME]; /* names of free ones; "" where there is none */
};

struct session {
	struct ort *ort; /* borrowed */
	struct ort_session *s;
	uint32_t n_inputs, n_outputs;
	struct session_io *inputs, *outputs;
};

/* Loads a model with the plan's runner options. profile_prefix: NULL, or where the runtime shall
 * write a profile (also has it note which provider got which node, where it can). The model's bytes
 * are not needed afterwards. Free with session_close(). */
int session_open(struct ort *o, const struct plan *plan, const void *model, size_t n,
	const char *profile_prefix, struct session **ret_s, struct fail *f);
void session_close(struct session *s); /* NULL is allowed */

/* Index of an input or output by name, or -1. */
int session_find(const struct session_io *ios, uint32_t n, const char *name);

#endif
