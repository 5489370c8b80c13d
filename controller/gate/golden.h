/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The golden gate: are the model's outputs on the device those of the reference? It judges what
 * the runner measured over all golden cases: the worst of each metric. Pure; any thread.
 */
#ifndef FRAMEFARM_GATE_GOLDEN_H
#define FRAMEFARM_GATE_GOLDEN_H

#include <stdint.h>

struct gate_result;

/* Limits of a job that names none: what fp16 against an fp32 reference is held to. An int8 model is
 * held against its own int8 reference; 0.99, 20 dB and top-1 of 0.98 over 100 cases fit it. */
#define GOLDEN_COSINE_MIN  0.999
#define GOLDEN_SQNR_DB_MIN 30.0

/* NaN: not asked for. With no limit at all the two defaults above hold. */
struct golden_limits {
	double cosine_min;
	double sqnr_db_min;
	double max_abs;
	double top1_min; /* share of cases, 0…1 */
};

/* NaN: not measured (a top-1 agreement of outputs without an axis, say). */
struct golden_metrics {
	int64_t cases;      /* compared */
	double cosine_min;  /* least over cases and outputs */
	double sqnr_db_min; /* infinite where all outputs are equal */
	double max_abs;
	double top1;      /* share of cases whose argmax agrees */
	int64_t nan, inf; /* elements that are so here but not in the reference */
	int64_t constant; /* outputs of one single value whose reference is not constant */
};

/* Passes, fails, or is inconclusive when no case was compared or a limit's metric was not measured;
 * writes the sentence too. */
void golden_judge(const struct golden_metrics *m, const struct golden_limits *limits,
	struct gate_result *ret);

#endif
