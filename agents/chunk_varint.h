/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of a packed series: LEB128 varints and zigzag; for chunk.c and chunk_rice.c. All differences
 * are taken between unsigned numbers, where wrapping around is defined. */
#ifndef FRAMEFARM_AGENTS_CHUNK_VARINT_H
#define FRAMEFARM_AGENTS_CHUNK_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX 10 /* bytes of a 64-bit number, seven bits each */

static inline uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

/* Bits that a number needs, 0 for 0. */
static inline unsigned bit_length(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static inline size_t varint_size(uint64_t v)
{
	return (bit_length(v | 1) + 6) / 7;
}

/* Returns where the next one goes. */
uint8_t *varint_put(uint8_t *p, uint64_t v);
/* Moves *p behind it. Returns false when it does not end before `end` or in 64 bits. */
bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *ret_v);

#endif
