/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of the golden check: how near an output is to its reference. Pure; no runtime is
 * known here.
 *
 *	cosine   Σ(ref·out) / √(Σref² · Σout²); 1 when both are zero, 0 when one is
 *	sqnr_db  10·log10(Σref² / Σ(ref - out)²); +Inf for equal, -Inf for noise on a zero reference
 *	max_abs  max |ref - out|
 *	top1     share of rows (along the last axis) whose largest element stands at the same index;
 *	         equally large ones of the reference count as one. No row is shorter than two.
 *
 * Sums run over the elements that are finite on both sides. A NaN or an infinity on one side that
 * the other has not at the same place, and an output of one value throughout where the reference
 * varies are defects, whatever the tolerance: they are what a broken accelerator answers. Integers and bools must be equal, or within max_abs if the job gives one; their cosine
 * and SQNR are reported but not judged, for a class index has neither. Strings must be equal.
 */
#ifndef FRAMEFARM_RUNNER_GOLDEN_H
#define FRAMEFARM_RUNNER_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"
#include "tensor.h"

struct golden_metrics {
	bool is_float, is_text;
	bool equal; /* every element, NaNs in the same places included */
	double cosine;
	double sqnr_db;
	double max_abs;
	uint64_t nan, inf; /* elements that are so on one side alone */
	bool constant;
	uint64_t rows, rows_agree;
};

/* Of all outputs of all cases. Zero it before the first golden_add(). */
struct golden_total {
	uint32_t outputs;
	double cosine_min, sqnr_db_min, max_abs; /* cosine and SQNR: of floating-point outputs, and
	                                            of integers that differ */
	uint64_t nan, inf;
	uint32_t constant;
	uint64_t rows, rows_agree;
};

/* ref and out must have the same type and shape (tensor_same_shape). */
void golden_compare(
	const struct tensor *ref, const struct tensor *out, struct golden_metrics *ret_m);
void golden_add(struct golden_total *t, const struct golden_metrics *m);

/* Share of agreeing rows; NaN when there is none. */
double golden_top1(uint64_t rows, uint64_t rows_agree);

/* Whether one output is within the tolerance (top1 aside); if not, why. */
bool golden_judge(const struct golden_metrics *m, const struct plan_tolerance *tol, char *ret_why,
	size_t size);
/* Whether top1 over everything is within the tolerance; if not, why. */
bool golden_judge_top1(
	const struct golden_total *t, const struct plan_tolerance *tol, char *ret_why, size_t size);
/* How far from right an output is, to name the worst one: larger is worse. */
double golden_badness(const struct golden_metrics *m);

#endif
