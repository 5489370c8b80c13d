/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value of a packed series takes: bytes of its payload, and processor time to pack and to unpack
 * it, in the present modes beside modes 0 and 1 ("plain"), which an agent sends to a controller of
 * protocol 2. The two take turns.
 *
 *	bench_chunk [FILE…]
 *
 * Without files the series of bench_store.c; with files, real ones: each line "TIME VALUE", as
 * `framefarm sql` prints them. One line for each series.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/chunk.h"
#include "base/clock.h"
#include "base/mem.h"
#include "series.h"

#define CHUNKS 200
#define ROUNDS 40
#define SIDES  2

struct packed {
	uint8_t *data;
	size_t len;
};

struct side {
	size_t (*pack)(uint8_t *dst, const int64_t *t, const int64_t *v, uint32_t n);
	struct packed chunks[CHUNKS];
	int64_t pack_ns, unpack_ns, bytes;
};

struct data {
	int64_t *t, *v;
	uint32_t n[CHUNKS];
	int chunks;
	int64_t values;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "bench_chunk: %s: %s\n", what, why);
	exit(1);
}

static void pack_all(struct side *s, const struct data *d)
{
	static uint8_t bytes[CHUNK_BYTES_MAX];
	int64_t begin = clock_mono_ns();

	s->bytes = 0;
	for (int i = 0; i < d->chunks; i++) {
		struct packed *p = &s->chunks[i];

		p->len = s->pack(bytes, d->t + i * CHUNK_MAX, d->v + i * CHUNK_MAX, d->n[i]);
		if (!p->data)
			p->data = mem_alloc(p->len);
		memcpy(p->data, bytes, p->len);
		s->bytes += (int64_t)p->len;
	}
	s->pack_ns += clock_mono_ns() - begin;
}

static void unpack_all(struct side *s, const struct data *d)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	int64_t begin = clock_mono_ns();

	for (int i = 0; i < d->chunks; i++)
		if (chunk_unpack(s->chunks[i].data, s->chunks[i].len, t, v) != (int)d->n[i])
			fail("chunk_unpack", "a chunk does not come back");
	s->unpack_ns += clock_mono_ns() - begin;
	if (memcmp(v, d->v + (d->chunks - 1) * CHUNK_MAX, d->n[d->chunks - 1] * sizeof(*v)))
		fail("chunk_unpack", "other values came back");
}

static void run(const char *name, const struct data *d)
{
	static struct side sides[SIDES];
	double per = (double)d->values * ROUNDS;

	memset(sides, 0, sizeof(sides));
	sides[0].pack = chunk_pack;
	sides[1].pack = chunk_pack_plain;
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < SIDES; i++) {
			pack_all(&sides[(round + i) % SIDES], d);
			unpack_all(&sides[(round + i) % SIDES], d);
		}
	printf("%-24s %.2f bytes/value, plain %.2f; packed in %.1f ns, plain %.1f; unpacked in "
	       "%.1f "
	       "ns, plain %.1f\n",
		name, (double)sides[0].bytes / (double)d->values,
		(double)sides[1].bytes / (double)d->values, (double)sides[0].pack_ns / per,
		(double)sides[1].pack_ns / per, (double)sides[0].unpack_ns / per,
		(double)sides[1].unpack_ns / per);
	for (int i = 0; i < SIDES; i++)
		for (int k = 0; k < d->chunks; k++)
			mem_free(sides[i].chunks[k].data);
}

static void made(struct data *d)
{
	for (size_t i = 0; i < series_count; i++) {
		int64_t clock = 1000000000000LL;

		d->values = 0;
		d->chunks = CHUNKS;
		for (int k = 0; k < CHUNKS; k++) {
			d->n[k] = series_fill(&series_kinds[i], &clock, d->t + k * CHUNK_MAX,
				d->v + k * CHUNK_MAX);
			d->values += d->n[k];
		}
		run(series_kinds[i].name, d);
	}
}

static void recorded(struct data *d, const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t t, v, begin = 0;
	uint32_t n = 0;

	if (!f)
		fail(path, strerror(errno));
	d->values = d->chunks = 0;
	while (d->chunks < CHUNKS && fscanf(f, "%" SCNd64 " %" SCNd64, &t, &v) == 2) {
		if (n == CHUNK_MAX || (n && t - begin >= SERIES_CHUNK_NS)) {
			d->n[d->chunks++] = n;
			n = 0;
			if (d->chunks == CHUNKS)
				break;
		}
		begin = n ? begin : t;
		d->t[d->chunks * CHUNK_MAX + (int)n] = t;
		d->v[d->chunks * CHUNK_MAX + (int)n++] = v;
		d->values++;
	}
	if (n)
		d->n[d->chunks++] = n;
	fclose(f);
	if (!d->chunks)
		fail(path, "has no line \"TIME VALUE\"");
	run(strrchr(path, '/') ? strrchr(path, '/') + 1 : path, d);
}

int main(int argc, char **argv)
{
	struct data d = {.t = mem_alloc(sizeof(int64_t) * CHUNKS * CHUNK_MAX),
		.v = mem_alloc(sizeof(int64_t) * CHUNKS * CHUNK_MAX)};

	if (argc > 1 && !strcmp(argv[1], "--help")) {
		puts("usage: bench_chunk [FILE…]   FILE: lines \"TIME VALUE\" of a recorded "
		     "series; "
		     "without one, the made series of bench_store");
		return 0;
	}
	if (argc == 1)
		made(&d);
	for (int i = 1; i < argc; i++)
		recorded(&d, argv[i]);
	mem_free(d.t);
	mem_free(d.v);
	return 0;
}
