/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rice codes of a packed series; see chunk_rice.h. The packer weighs each model in bits before it
 * writes one. The unpacker takes hostile bytes: behind the end it reads zeros, which it notices when it
 * is through, and how often it reads does not depend on the bytes.
 */
#include "chunk_rice.h"

#include <assert.h>
#include <string.h>

#include "chunk_varint.h"

#define K_BITS   6
#define K_MAX    56 /* of so many a reader that has just filled its word is sure */
#define K_ALIKE  63
#define K_SHORT  (K_MAX - RICE_ESCAPE) /* with it all codes but escapes have at most K_MAX bits */
#define ESCAPE   (((uint64_t)1 << RICE_ESCAPE) - 1)
#define LEN_BITS 7
#define LEN_MAX  64
#define SAMPLES  31 /* of a block, whose middle stands for the block's */

enum time_model { TIME_STEP, TIME_CHAINED, TIME_SCHEDULE, TIME_MODELS };
enum value_model { VALUE_LEVEL, VALUE_DELTA, VALUE_MODELS };

struct series {
	const int64_t *t, *v;
	uint32_t n;
	uint64_t period;
};

/* Times or values, and how they are predicted. */
struct column {
	const struct series *s;
	bool times;
	int model;
};

static uint64_t residual(const struct column *c, uint32_t i)
{
	const struct series *s = c->s;
	const uint64_t t = (uint64_t)s->t[i], v = (uint64_t)s->v[i];

	if (!c->times)
		return c->model == VALUE_LEVEL ? v : v - (uint64_t)s->v[i - 1];
	if (c->model == TIME_SCHEDULE)
		return t - (uint64_t)s->t[0] - i * s->period;
	return t - (uint64_t)s->t[i - 1] - (c->model == TIME_CHAINED ? (uint64_t)s->v[i - 1] : 0);
}

static uint64_t first_middle(const struct column *c)
{
	return !c->times && c->model == VALUE_LEVEL ? (uint64_t)c->s->v[0] : 0;
}

/* ---- one block ---- */

struct block {
	uint64_t middle;
	uint32_t n;
	unsigned k;
	uint64_t u[RICE_BLOCK];
};

/* The median of every few. */
static uint64_t middle_of(const uint64_t *r, uint32_t n)
{
	int64_t sorted[SAMPLES] = {0};
	uint32_t step = (n + SAMPLES - 1) / SAMPLES, count = 0;

	for (uint32_t i = 0; i < n; i += step, count++) {
		int64_t x = (int64_t)r[i];
		uint32_t at = count;

		for (; at && sorted[at - 1] > x; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = x;
	}
	return (uint64_t)sorted[count / 2];
}

static uint32_t bits_with(const struct block *b, unsigned k)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t q = b->u[i] >> k;

		bits += q < RICE_ESCAPE ? (uint32_t)q + 1 + k
		                        : RICE_ESCAPE + LEN_BITS + bit_length(b->u[i]);
	}
	return bits;
}

/* Chooses k near the length of the number that half of them do not exceed; returns the bits. */
static uint32_t choose_k(struct block *b)
{
	uint8_t lengths[LEN_MAX + 1] = {0};
	unsigned half = 0, k_max;
	uint32_t best;

	for (uint32_t i = 0; i < b->n; i++)
		lengths[bit_length(b->u[i])]++;
	b->k = K_ALIKE;
	if (lengths[0] == b->n)
		return 0;
	for (uint32_t seen = lengths[0]; seen < (b->n + 1) / 2; seen += lengths[half])
		half++;
	k_max = half + 1 < K_MAX ? half + 1 : K_MAX;
	best = UINT32_MAX;
	for (unsigned k = k_max > 3 ? k_max - 3 : 0; k <= k_max; k++) {
		uint32_t bits = bits_with(b, k);

		if (bits < best) {
			best = bits;
			b->k = k;
		}
	}
	return best;
}

/* Fills in the block that begins with pair i; returns the bits it takes behind one whose middle was
 * `before`. */
static uint32_t make_block(struct block *b, const struct column *c, uint32_t i, uint64_t before)
{
	b->n = c->s->n - i < RICE_BLOCK ? c->s->n - i : RICE_BLOCK;
	for (uint32_t j = 0; j < b->n; j++)
		b->u[j] = residual(c, i + j);
	b->middle = middle_of(b->u, b->n);
	for (uint32_t j = 0; j < b->n; j++)
		b->u[j] = zigzag(b->u[j] - b->middle);
	return LEN_BITS + bit_length(zigzag(b->middle - before)) + K_BITS + choose_k(b);
}

/* ---- packing ---- */

/* Sets the column's model to the cheapest of `models`; returns its bits. */
static uint32_t choose_model(struct column *c, int models)
{
	uint32_t best = UINT32_MAX;
	struct block b;
	int chosen = 0;

	for (c->model = 0; c->model < models; c->model++) {
		uint64_t before = first_middle(c);
		uint32_t bits = 0;

		for (uint32_t i = 1; i < c->s->n; i += RICE_BLOCK) {
			bits += make_block(&b, c, i, before);
			before = b.middle;
		}
		if (bits < best) {
			best = bits;
			chosen = c->model;
		}
	}
	c->model = chosen;
	return best;
}

struct writer {
	uint8_t *p;
	uint64_t word;
	unsigned bits; /* of the word, below 8 between calls */
};

static void put(struct writer *w, uint64_t v, unsigned n)
{
	for (; n > 32; n -= 32, v >>= 32)
		put(w, v & UINT32_MAX, 32);
	w->word |= v << w->bits;
	for (w->bits += n; w->bits >= 8; w->bits -= 8, w->word >>= 8)
		*w->p++ = (uint8_t)w->word;
}

static void put_sized(struct writer *w, uint64_t v)
{
	put(w, bit_length(v), LEN_BITS);
	put(w, v, bit_length(v));
}

static void put_block(struct writer *w, const struct block *b, uint64_t before)
{
	put_sized(w, zigzag(b->middle - before));
	put(w, b->k, K_BITS);
	for (uint32_t i = 0; b->k != K_ALIKE && i < b->n; i++) {
		uint64_t q = b->u[i] >> b->k;

		if (q < RICE_ESCAPE) {
			put(w, (1u << q) - 1, (unsigned)q + 1);
			put(w, b->u[i] & (((uint64_t)1 << b->k) - 1), b->k);
		} else {
			put(w, (1u << RICE_ESCAPE) - 1, RICE_ESCAPE);
			put_sized(w, b->u[i]);
		}
	}
}

static uint64_t mean_period(const struct series *s)
{
	return (uint64_t)((int64_t)((uint64_t)s->t[s->n - 1] - (uint64_t)s->t[0]) /
			  (int64_t)(s->n - 1));
}

size_t rice_pack(uint8_t *dst, size_t max, const int64_t *t, const int64_t *v, uint32_t n)
{
	struct series s = {.t = t, .v = v, .n = n};
	struct column columns[2] = {{.s = &s}, {.s = &s, .times = true}};
	struct writer w = {.p = dst};
	uint64_t before[2];
	struct block b;
	uint32_t bits;
	size_t size;

	s.period = mean_period(&s);
	bits = choose_model(&columns[0], VALUE_MODELS);
	bits += choose_model(&columns[1], TIME_MODELS);
	size = 1 + (bits + 7) / 8;
	if (columns[1].model == TIME_SCHEDULE)
		size += varint_size(zigzag(s.period));
	if (size > max)
		return 0;
	*w.p++ = (uint8_t)(columns[1].model | columns[0].model << 4);
	if (columns[1].model == TIME_SCHEDULE)
		w.p = varint_put(w.p, zigzag(s.period));
	for (int i = 0; i < 2; i++)
		before[i] = first_middle(&columns[i]);
	for (uint32_t i = 1; i < n; i += RICE_BLOCK)
		for (int c = 0; c < 2; c++) {
			make_block(&b, &columns[c], i, before[c]);
			put_block(&w, &b, before[c]);
			before[c] = b.middle;
		}
	put(&w, 0, 7); /* what is left of the last byte */
	assert((size_t)(w.p - dst) == size);
	return size;
}

/* ---- unpacking ---- */

struct reader {
	const uint8_t *p, *end;
	uint64_t word;
	unsigned bits; /* of the word */
	unsigned past; /* bits of it that come from behind the end */
};

static inline uint64_t load(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* At least 56 bits in the word. Those above them, if any, are what comes next, and are read again. */
static void fill(struct reader *r)
{
	if (r->end - r->p >= (ptrdiff_t)sizeof(r->word)) {
		r->word |= load(r->p) << r->bits;
		r->p += (63 - r->bits) / 8;
		r->bits |= 56;
		return;
	}
	for (; r->bits <= 56; r->bits += 8) {
		if (r->p < r->end)
			r->word |= (uint64_t)*r->p++ << r->bits;
		else
			r->past += 8;
	}
}

static inline void drop(struct reader *r, unsigned n)
{
	r->word >>= n;
	r->bits -= n;
}

/* n: 0…K_MAX, of a word that has as many. */
static inline uint64_t take(struct reader *r, unsigned n)
{
	uint64_t v = r->word & (((uint64_t)1 << n) - 1);

	drop(r, n);
	return v;
}

static bool get_sized(struct reader *r, uint64_t *ret_v)
{
	unsigned n, low;

	fill(r);
	n = (unsigned)take(r, LEN_BITS);
	if (n > LEN_MAX)
		return false;
	low = n < 32 ? n : 32;
	*ret_v = take(r, low);
	fill(r);
	*ret_v |= take(r, n - low) << low;
	return true;
}

static bool get_code(struct reader *r, unsigned k, uint64_t *ret_u)
{
	unsigned q;

	fill(r);
	q = (unsigned)__builtin_ctzll(~r->word | (uint64_t)1 << RICE_ESCAPE);
	if (q == RICE_ESCAPE) {
		drop(r, q);
		return get_sized(r, ret_u);
	}
	drop(r, q + 1);
	if (q + 1 + k > K_MAX)
		fill(r);
	*ret_u = (uint64_t)q << k | take(r, k);
	return true;
}

/*
 * As many of the next n codes as can be read without a look at where the bytes end, since each takes at most
 * K_MAX bits and a word is there for each of them; up to an escape. The reader stays in registers meanwhile.
 * Returns how many.
 */
static uint32_t get_short(struct reader *r, unsigned k, uint64_t middle, uint64_t *e, uint32_t n)
{
	const uint64_t low = ((uint64_t)1 << k) - 1;
	const size_t words = (size_t)(r->end - r->p) / sizeof(r->word);
	const uint8_t *p = r->p;
	uint64_t word = r->word;
	unsigned bits = r->bits;
	uint32_t i;

	if (n > words)
		n = (uint32_t)words;
	for (i = 0; i < n; i++) {
		unsigned ones;

		word |= load(p) << bits;
		p += (63 - bits) / 8;
		bits |= 56;
		if ((word & ESCAPE) == ESCAPE)
			break;
		ones = (unsigned)__builtin_ctzll(~word);
		e[i] = middle + unzigzag((uint64_t)ones << k | (word >> (ones + 1) & low));
		word = word >> (k + 1) >> ones;
		bits -= k + 1 + ones;
	}
	r->p = p;
	r->word = word;
	r->bits = bits;
	return i;
}

/* n codes, as what they are from the middle on. */
static bool get_codes(struct reader *r, unsigned k, uint64_t middle, uint64_t *e, uint32_t n)
{
	uint64_t u;

	for (uint32_t i = 0; i < n; i++) {
		if (k <= K_SHORT)
			i += get_short(r, k, middle, e + i, n - i);
		if (i == n)
			break;
		if (!get_code(r, k, &u))
			return false;
		e[i] = middle + unzigzag(u);
	}
	return true;
}

/* The residuals of a block; *middle is that of the block before, and then of this one. */
static bool get_block(struct reader *r, uint64_t *e, uint32_t n, uint64_t *middle)
{
	uint64_t u;
	unsigned k;

	if (!get_sized(r, &u))
		return false;
	*middle += unzigzag(u);
	fill(r);
	k = (unsigned)take(r, K_BITS);
	if (k <= K_MAX)
		return get_codes(r, k, *middle, e, n);
	for (uint32_t i = 0; i < n; i++)
		e[i] = *middle;
	return k == K_ALIKE;
}

/* n values of residuals e, behind v[-1]. */
static void put_values(int model, const uint64_t *e, int64_t *v, uint32_t n)
{
	uint64_t value = (uint64_t)v[-1];

	for (uint32_t j = 0; j < n; j++) {
		value = e[j] + (model == VALUE_LEVEL ? 0 : value);
		v[j] = (int64_t)value;
	}
}

/* n times of residuals e, behind t[-1] and v[-1]. On a schedule each is predicted from the first, whose
 * place is `due`. */
static void put_times(int model, const uint64_t *e, int64_t *t, const int64_t *v, uint64_t due,
	uint64_t period, uint32_t n)
{
	uint64_t time = (uint64_t)t[-1];

	for (uint32_t j = 0; j < n && model == TIME_SCHEDULE; j++, due += period)
		t[j] = (int64_t)(due + e[j]);
	for (uint32_t j = 0; j < n && model != TIME_SCHEDULE; j++) {
		time += e[j] + (model == TIME_CHAINED ? (uint64_t)v[(int)j - 1] : 0);
		t[j] = (int64_t)time;
	}
}

bool rice_unpack(const uint8_t *src, const uint8_t *end, int64_t *t, int64_t *v, uint32_t n)
{
	struct reader r = {.p = src, .end = end};
	uint64_t e[RICE_BLOCK], period = 0, value_middle = 0, time_middle = 0;
	int models, times, values;

	if (r.p == end)
		return false;
	models = *r.p++;
	times = models & 15;
	values = models >> 4;
	if (times >= TIME_MODELS || values >= VALUE_MODELS)
		return false;
	if (times == TIME_SCHEDULE && !varint_get(&r.p, end, &period))
		return false;
	period = unzigzag(period);
	if (values == VALUE_LEVEL)
		value_middle = (uint64_t)v[0];
	for (uint32_t i = 1; i < n; i += RICE_BLOCK) {
		uint32_t count = n - i < RICE_BLOCK ? n - i : RICE_BLOCK;

		if (!get_block(&r, e, count, &value_middle))
			return false;
		put_values(values, e, v + i, count);
		if (!get_block(&r, e, count, &time_middle))
			return false;
		put_times(times, e, t + i, v + i, (uint64_t)t[0] + i * period, period, count);
	}
	/* Neither more was taken than there is, nor is a whole byte left. */
	return r.p == end && r.bits >= r.past && r.bits - r.past < 8;
}
