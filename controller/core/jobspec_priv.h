/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the job reader share: the field tables, one for each kind of object in a job,
 * and the readers of its parts. Only jobspec*.c and their test include this.
 *
 * Every reader returns 0 or a negative code with a sentence in r->err that names the line. What it
 * has put into its output by then is freed by whoever owns the output.
 */
#ifndef FRAMEFARM_CORE_JOBSPEC_PRIV_H
#define FRAMEFARM_CORE_JOBSPEC_PRIV_H

#include "base/json.h"
#include "core/jobspec.h"

struct err;

/* Tensors of one job: inputs and golden data of all variants, inherited ones counted for each. */
#define JOBSPEC_TENSORS_MAX 16384
/* Elements of one generated input; 1 GiB of float. */
#define JOBSPEC_ELEMENTS_MAX (1LL << 28)

struct jobspec_reader {
	const struct json_doc *doc;
	unsigned flags;
	int n_tensors;
	struct err *err;
};

/* Sets "line N: …" and returns the code. */
int jobspec_refuse(struct jobspec_reader *r, const struct json *at, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- tables ---- */

struct jobspec_table {
	const char *what; /* in sentences: "the runner" */
	const struct json_field *fields;
	int n;
};

extern const struct jobspec_table jobspec_job_table, jobspec_model_table, jobspec_variant_table,
	jobspec_runner_table, jobspec_input_table, jobspec_golden_table, jobspec_case_table,
	jobspec_file_table, jobspec_measure_table, jobspec_devices_table, jobspec_budget_table;

int jobspec_read(struct jobspec_reader *r, const struct json *node, const struct jobspec_table *t,
	void *out);

/* Words of enumerations, NULL-terminated; the index is the value. */
extern const char *const jobspec_preset_words[],
	*const jobspec_gate_words[], *const jobspec_fill_words[],
					     *const jobspec_optimization_words[];

/* ---- maps: objects whose keys are the user's ---- */

/* Key and value of one entry as two texts inside an array of structs. */
struct jobspec_texts {
	const char *what; /* "the labels" */
	int max;
	size_t stride;
	size_t value_off, value_size; /* the key comes first and has LIMIT_NAME bytes */
	int value_min;
};

int jobspec_read_texts(struct jobspec_reader *r, const struct json *node,
	const struct jobspec_texts *t, void *out, int *ret_n);
int jobspec_read_dimensions(struct jobspec_reader *r, const struct json *node, struct jobspec *s);

/* ---- parts ---- */

int jobspec_read_file(struct jobspec_reader *r, const struct json *node, struct jobspec_file *ret);
int jobspec_read_runner(
	struct jobspec_reader *r, const struct json *node, struct jobspec_runner *inout);
int jobspec_read_inputs(
	struct jobspec_reader *r, const struct json *node, struct jobspec_tensor **ret, int *ret_n);
int jobspec_read_golden(
	struct jobspec_reader *r, const struct json *node, struct jobspec_golden *ret);
/* Model and variants, with what they inherit from the job's own runner, inputs and golden (NULL
 * where absent). */
struct jobspec_parents {
	const struct json *runner, *inputs, *golden;
};
int jobspec_read_model(struct jobspec_reader *r, const struct json *node,
	const struct jobspec_parents *parents, struct jobspec *s);
int jobspec_read_measure(
	struct jobspec_reader *r, const struct json *node, struct jobspec_measure *inout);

/* Deep copies for the variant at `at`; counted against JOBSPEC_TENSORS_MAX. */
int jobspec_copy_inputs(struct jobspec_reader *r, const struct json *at,
	const struct jobspec_tensor *src, int n, struct jobspec_tensor **ret);
int jobspec_copy_golden(struct jobspec_reader *r, const struct json *at,
	const struct jobspec_golden *src, struct jobspec_golden *ret);
void jobspec_golden_fini(struct jobspec_golden *g);

/* ---- the whole ---- */

/* Which gates are on, and whether the parts of the job fit together. `gates` is NULL when the job
 * names none. */
int jobspec_settle_gates(struct jobspec_reader *r, const struct json *job, const struct json *gates,
	struct jobspec *s);
int jobspec_check(struct jobspec_reader *r, const struct json *job, const struct jobspec *s);

#endif
