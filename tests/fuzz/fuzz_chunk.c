/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come as a chunk; what is taken must survive being packed again. And the bytes as a series of
 * steps of any size, which must come back too, whichever way it is packed. */
#include <stdlib.h>
#include <string.h>

#include "chunk.h"

#define STEP_BYTES 3 /* of a number: 16 bits, and how far they are shifted */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void comes_back(const int64_t *t, const int64_t *v, uint32_t n)
{
	static int64_t t2[CHUNK_MAX], v2[CHUNK_MAX];
	static uint8_t bytes[2][CHUNK_BYTES_MAX];
	size_t len[2] = {chunk_pack(bytes[0], t, v, n), chunk_pack_plain(bytes[1], t, v, n)};

	if (len[0] > len[1] || len[1] > CHUNK_BYTES_MAX || bytes[1][0] >= CHUNK_MODE_RICE)
		abort();
	for (int i = 0; i < 2; i++) {
		if (chunk_unpack(bytes[i], len[i], t2, v2) != (int)n)
			abort();
		if (memcmp(t, t2, n * sizeof(*t)) || memcmp(v, v2, n * sizeof(*v)))
			abort();
	}
}

static uint64_t step(const uint8_t *p)
{
	return ((uint64_t)p[0] | (uint64_t)p[1] << 8) << (p[2] & 63);
}

/* The lowest bits of the first byte say whether times and values are steps from the last. */
static void as_series(const uint8_t *data, size_t size)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	uint64_t time = 0, value = 0;
	uint32_t n = 0;

	for (size_t at = 1; at + 2 * STEP_BYTES <= size && n < CHUNK_MAX; at += 2 * STEP_BYTES) {
		time = (data[0] & 1 ? time : n * UINT64_C(10000000)) + step(data + at);
		value = (data[0] & 2 ? value : 0) + step(data + at + STEP_BYTES);
		t[n] = (int64_t)time;
		v[n++] = (int64_t)value;
		if (data[0] & 4)
			time += value;
	}
	if (n)
		comes_back(t, v, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX];
	int n = chunk_unpack(data, size, t, v);

	if (n > 0)
		comes_back(t, v, (uint32_t)n);
	as_series(data, size);
	return 0;
}
