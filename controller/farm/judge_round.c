/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a round for the judge; see judge_round.h. */
#include "farm/judge_round.h"

#include <math.h>
#include <string.h>

#include "agents/msg.h"
#include "agents/plan.h"
#include "base/err.h"
#include "base/mem.h"

#define FACTS_MAX 20000

static int add_values(void *arg, const int64_t *t, const int64_t *v, int n)
{
	struct judge_block *b = arg;

	if (b->n + n > JUDGE_VALUES_MAX) {
		b->too_many = true;
		return ERR_TOOBIG;
	}
	if (b->n + n > b->cap) {
		b->cap = b->cap ? 2 * b->cap : 4096;
		while (b->cap < b->n + n)
			b->cap *= 2;
		b->t = mem_realloc(b->t, b->cap, sizeof(*b->t));
		b->v = mem_realloc(b->v, b->cap, sizeof(*b->v));
	}
	memcpy(b->t + b->n, t, n * sizeof(*t));
	memcpy(b->v + b->n, v, n * sizeof(*v));
	b->n += n;
	return 0;
}

static int add_fact(void *arg, const struct store_fact *f)
{
	struct judge_round *r = arg;

	if (r->n_facts == FACTS_MAX)
		return 0;
	if (r->n_facts == r->cap_facts) {
		r->cap_facts = r->cap_facts ? 2 * r->cap_facts : 64;
		r->facts = mem_realloc(r->facts, r->cap_facts, sizeof(*r->facts));
	}
	r->facts[r->n_facts++] = *f;
	return 0;
}

struct wanted {
	struct judge_block *block;
	uint32_t stream;
};

struct finder {
	struct judge_round *round;
	struct wanted wanted[8];
	int n;
};

static struct judge_block *block_of(struct judge_round *r, const struct store_stream *s)
{
	bool sustained = !strncmp(s->name, "sustained", 9);

	switch (s->kind) {
	case STREAM_PACED:
		return sustained ? &r->sustained : &r->paced;
	case STREAM_EXEC:
		return sustained ? &r->sustained_exec : &r->exec;
	case STREAM_ITER:
		return sustained ? &r->sustained : &r->back_to_back;
	}
	return NULL;
}

static int find_block(void *arg, const struct store_stream *s)
{
	struct finder *f = arg;
	struct judge_block *b = block_of(f->round, s);

	if (b && f->n < 8) {
		f->wanted[f->n].block = b;
		f->wanted[f->n++].stream = s->stream;
	}
	return 0;
}

int judge_round_read(
	struct store_reader *rd, int64_t attempt, struct judge_round *ret_r, struct err *e)
{
	struct finder f = {.round = ret_r};
	int rc;

	memset(ret_r, 0, sizeof(*ret_r));
	ret_r->attempt = attempt;
	rc = store_streams(rd, attempt, find_block, &f, e);
	for (int i = 0; i < f.n && !rc; i++)
		rc = store_values(rd, attempt, f.wanted[i].stream, INT64_MIN, INT64_MAX, add_values,
			f.wanted[i].block, e);
	if (!rc)
		rc = store_facts(rd, attempt, add_fact, ret_r, e);
	return rc;
}

static void block_free(struct judge_block *b)
{
	mem_free(b->t);
	mem_free(b->v);
}

void judge_round_free(struct judge_round *r)
{
	block_free(&r->paced);
	block_free(&r->exec);
	block_free(&r->back_to_back);
	block_free(&r->sustained);
	block_free(&r->sustained_exec);
	mem_free(r->facts);
}

const struct store_fact *judge_fact(const struct judge_round *r, const char *key)
{
	for (int i = r->n_facts; i--;)
		if (!strcmp(r->facts[i].key, key))
			return &r->facts[i];
	return NULL;
}

bool judge_fact_int(const struct judge_round *r, const char *key, int64_t *ret_v)
{
	const struct store_fact *f = judge_fact(r, key);

	if (!f || f->kind != FACT_INT)
		return false;
	*ret_v = f->i;
	return true;
}

double judge_fact_num(const struct judge_round *r, const char *key)
{
	const struct store_fact *f = judge_fact(r, key);

	if (!f)
		return NAN;
	return f->kind == FACT_INT ? (double)f->i : f->kind == FACT_NUM ? f->f : NAN;
}

const char *judge_fact_text(const struct judge_round *r, const char *key)
{
	const struct store_fact *f = judge_fact(r, key);

	return f && f->kind == FACT_TEXT ? f->text : "";
}
