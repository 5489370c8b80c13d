/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a packed series in mode 2: predicted, and what is left in Rice codes whose width each
 * block of pairs chooses (as FLAC does, RFC 9639 section 9.2.7). For chunk.c alone. Pure.
 *
 *	u8	models: how times are predicted (0…2) | how values are (0…1) << 4
 *	varint	zigzag of the period, when times follow a schedule
 *	bits	for each block of up to RICE_BLOCK pairs, from pair 1 on: its values, its times
 *
 * Bits fill each byte from the lowest on; the last byte is filled up with zeros. The residual of pair
 * i is
 *	values, level (0)    v[i]
 *	        delta (1)    v[i] - v[i-1]
 *	times,  step (0)     t[i] - t[i-1]
 *	        chained (1)  t[i] - (t[i-1] + v[i-1])
 *	        schedule (2) t[i] - (t[0] + i * period)
 * Of each block, values and times alike, first the residual that lies in the middle, as its
 * difference from that of the block before (from v[0] or 0 at first): 7 bits L, then L bits of its
 * zigzag. Then 6 bits K, then each residual, as the zigzag u of its difference from the middle:
 *	K = 63       nothing: they are all alike
 *	K = 0…56     u >> K ones, a zero, the low K bits of u, when u >> K is below RICE_ESCAPE;
 *	             else RICE_ESCAPE ones, 7 bits L, L bits of u
 * All differences wrap around as unsigned 64-bit numbers do.
 */
#ifndef FRAMEFARM_AGENTS_CHUNK_RICE_H
#define FRAMEFARM_AGENTS_CHUNK_RICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RICE_BLOCK  128
#define RICE_ESCAPE 20

/* Packs pairs 1…n-1 (n >= 2) into dst. Returns the number of bytes, or 0 when they would be more than
 * max, and then dst is untouched. */
size_t rice_pack(uint8_t *dst, size_t max, const int64_t *t, const int64_t *v, uint32_t n);
/* Unpacks pairs 1…n-1 behind t[0] and v[0]. Returns false for bytes that are no body of n pairs. */
bool rice_unpack(const uint8_t *src, const uint8_t *end, int64_t *t, int64_t *v, uint32_t n);

#endif
