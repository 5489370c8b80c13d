/* SPDX-License-Identifier: Apache-2.0 */
/* The golden check's arithmetic; see golden.h. */
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct sums {
	double ref2, out2, dot, noise2;
	double ref_first, out_first;
	bool ref_varies, out_varies;
};

static void add_element(struct golden_metrics *m, struct sums *s, double r, double o)
{
	if (isnan(r) || isnan(o)) {
		m->nan += isnan(r) != isnan(o);
		m->equal &= isnan(r) && isnan(o);
		return;
	}
	if (isinf(r) || isinf(o)) {
		m->inf += r != o;
		m->equal &= r == o;
		return;
	}
	s->ref2 += r * r;
	s->out2 += o * o;
	s->dot += r * o;
	s->noise2 += (r - o) * (r - o);
	m->equal &= r == o;
	m->max_abs = fmax(m->max_abs, fabs(r - o));
}

/* A sum that overflowed tells nothing good about the output. */
static double cosine(const struct sums *s)
{
	double v;

	if (s->ref2 == 0 && s->out2 == 0)
		return 1;
	if (s->ref2 == 0 || s->out2 == 0)
		return 0;
	v = s->dot / (sqrt(s->ref2) * sqrt(s->out2));
	return isfinite(v) ? fmax(-1, fmin(1, v)) : 0;
}

static double sqnr_db(const struct sums *s)
{
	if (s->noise2 == 0)
		return INFINITY;
	if (s->ref2 == 0 || !isfinite(s->noise2))
		return -INFINITY;
	return 10 * log10(s->ref2 / s->noise2);
}

/* Index of the first largest element of a row; NaN is never the largest. */
static uint64_t largest(const struct tensor *t, uint64_t begin, uint64_t n)
{
	uint64_t best = 0;
	double top = -INFINITY, v;

	for (uint64_t i = 0; i < n; i++) {
		v = tensor_get(t, begin + i);
		if (v > top) {
			top = v;
			best = i;
		}
	}
	return best;
}

static void compare_rows(
	const struct tensor *ref, const struct tensor *out, struct golden_metrics *m)
{
	uint64_t n = ref->n_dims ? (uint64_t)ref->dims[ref->n_dims - 1] : 1, a, b;

	if (n < 2 || ref->type == TENSOR_STRING)
		return;
	for (uint64_t row = 0; row + n <= ref->count; row += n) {
		a = largest(ref, row, n);
		b = largest(out, row, n);
		m->rows++;
		m->rows_agree += a == b || tensor_get(ref, row + a) == tensor_get(ref, row + b);
	}
}

void golden_compare(
	const struct tensor *ref, const struct tensor *out, struct golden_metrics *ret_m)
{
	struct golden_metrics m = {.is_float = tensor_type_is_float(ref->type),
		.is_text = ref->type == TENSOR_STRING,
		.equal = true};
	struct sums s = {0};
	double r, o;

	for (uint64_t i = 0; i < ref->count; i++) {
		r = tensor_get(ref, i);
		o = tensor_get(out, i);
		if (!i) {
			s.ref_first = r;
			s.out_first = o;
		}
		s.ref_varies |= r != s.ref_first;
		s.out_varies |= o != s.out_first;
		add_element(&m, &s, r, o);
	}
	/* A double cannot tell neighbours beyond 2^53 apart. */
	if (!m.is_float)
		m.equal = tensor_same_bytes(ref, out);
	m.cosine = cosine(&s);
	m.sqnr_db = sqnr_db(&s);
	if (m.is_text && !m.equal) { /* so that no limit of the gate takes it for near */
		m.cosine = 0;
		m.sqnr_db = -INFINITY;
		m.max_abs = INFINITY;
	}
	m.constant = s.ref_varies && !s.out_varies;
	compare_rows(ref, out, &m);
	*ret_m = m;
}

double golden_top1(uint64_t rows, uint64_t rows_agree)
{
	return rows ? (double)rows_agree / (double)rows : NAN;
}

void golden_add(struct golden_total *t, const struct golden_metrics *m)
{
	if (!t->outputs++) {
		t->cosine_min = 1;
		t->sqnr_db_min = INFINITY;
	}
	if (m->is_float || !m->equal) {
		t->cosine_min = fmin(t->cosine_min, m->cosine);
		t->sqnr_db_min = fmin(t->sqnr_db_min, m->sqnr_db);
	}
	t->max_abs = fmax(t->max_abs, m->max_abs);
	t->nan += m->nan;
	t->inf += m->inf;
	t->constant += m->constant;
	t->rows += m->rows;
	t->rows_agree += m->rows_agree;
}

static bool judge_defects(const struct golden_metrics *m, char *ret_why, size_t size)
{
	if (m->nan)
		snprintf(ret_why, size, "%llu elements are NaN in output or reference alone",
			(unsigned long long)m->nan);
	else if (m->inf)
		snprintf(ret_why, size, "%llu elements are infinite in output or reference alone",
			(unsigned long long)m->inf);
	else if (m->constant)
		snprintf(ret_why, size, "every element has the same value");
	else
		return true;
	return false;
}

static bool judge_integers(const struct golden_metrics *m, const struct plan_tolerance *tol,
	char *ret_why, size_t size)
{
	double allowed = isnan(tol->max_abs) ? 0 : tol->max_abs;

	if (m->equal || (m->max_abs > 0 && m->max_abs <= allowed))
		return true;
	snprintf(
		ret_why, size, "integers differ by up to %.9g (%.9g allowed)", m->max_abs, allowed);
	return false;
}

bool golden_judge(const struct golden_metrics *m, const struct plan_tolerance *tol, char *ret_why,
	size_t size)
{
	if (!judge_defects(m, ret_why, size))
		return false;
	if (m->is_text && !m->equal)
		snprintf(ret_why, size, "the strings differ");
	if (m->is_text)
		return m->equal;
	if (!m->is_float)
		return judge_integers(m, tol, ret_why, size);
	/* The comparisons hold for a limit of NaN, which means "not asked for". */
	if (m->cosine < tol->cosine_min)
		snprintf(ret_why, size, "cosine %.6f is below %.6f", m->cosine, tol->cosine_min);
	else if (m->sqnr_db < tol->sqnr_db_min)
		snprintf(ret_why, size, "SQNR %.2f dB is below %.2f dB", m->sqnr_db,
			tol->sqnr_db_min);
	else if (m->max_abs > tol->max_abs)
		snprintf(ret_why, size, "largest error %.6g is above %.6g", m->max_abs,
			tol->max_abs);
	else
		return true;
	return false;
}

bool golden_judge_top1(
	const struct golden_total *t, const struct plan_tolerance *tol, char *ret_why, size_t size)
{
	double share = golden_top1(t->rows, t->rows_agree);

	if (!(share < tol->top1_min))
		return true;
	snprintf(ret_why, size, "top-1 agrees in %llu of %llu rows (%.4f), below %.4f",
		(unsigned long long)t->rows_agree, (unsigned long long)t->rows, share,
		tol->top1_min);
	return false;
}

double golden_badness(const struct golden_metrics *m)
{
	if (m->nan || m->inf || m->constant)
		return INFINITY;
	if (m->equal)
		return -INFINITY;
	return m->is_float ? -m->sqnr_db : 1000 + m->max_abs;
}
