/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed series: up to CHUNK_MAX pairs of (time, value), both int64, in few bytes. The agent packs,
 * the store keeps the bytes as they came, readers unpack. Pure.
 *
 * Layout: u8 mode, varint n, zigzag t[0], zigzag v[0], and, when n > 1, what the mode says of the
 * rest. A store may hold every mode for ever; the packer takes whichever is shortest.
 *
 * Modes 0 and 1: zigzag dt (t[1] - t[0]), then for i = 1…n-1: zigzag(time residual),
 * zigzag(v[i] - v[i-1]). The time residual is
 *	mode 0 (steady): (t[i] - t[i-1]) - (t[i-1] - t[i-2]), where t[1] - t[0] is dt, so 0 for
 *	                 i = 1
 *	mode 1 (chained): t[i] - (t[i-1] + v[i-1]), for iterations that start when the last one
 *	                  ended (dt is then 0 and unused).
 * Differences wrap around as unsigned 64-bit numbers do, so every int64 can be packed. Source of the
 * idea: delta-of-delta time stamps of Gorilla (VLDB 2015, section 4.1.1), with varints in place of
 * bit fields.
 *
 * Mode 2 (from version CHUNK_RICE_SINCE of the protocol on): Rice codes, see chunk_rice.h.
 */
#ifndef FRAMEFARM_AGENTS_CHUNK_H
#define FRAMEFARM_AGENTS_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#define CHUNK_MAX        1024
#define CHUNK_BYTES_MAX  (32 + CHUNK_MAX * 20)
#define CHUNK_MODE_RICE  2
#define CHUNK_RICE_SINCE 3 /* the first version of the protocol whose readers know mode 2 */

/* Packs n (1…CHUNK_MAX) pairs into dst; returns the number of bytes. */
size_t chunk_pack(uint8_t dst[CHUNK_BYTES_MAX], const int64_t *t, const int64_t *v, uint32_t n);
/* The same in mode 0 or 1 alone, for readers that know no other. */
size_t chunk_pack_plain(
	uint8_t dst[CHUNK_BYTES_MAX], const int64_t *t, const int64_t *v, uint32_t n);
/* Unpacks at most CHUNK_MAX pairs. Returns their number, or -1 for bytes that are no chunk (also
 * when bytes are left over). */
int chunk_unpack(const uint8_t *src, size_t len, int64_t t[CHUNK_MAX], int64_t v[CHUNK_MAX]);

#endif
