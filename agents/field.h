/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs as bytes, by table: one list of a struct's fields, in their order on the wire, serves its
 * encoder and its decoder, so the two cannot drift apart. A field's kind follows from the member's
 * type; a char array is a text. Pure. Internal to msg.c and plan.c.
 */
#ifndef FRAMEFARM_AGENTS_FIELD_H
#define FRAMEFARM_AGENTS_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "proto.h"

enum field_kind {
	FIELD_KIND_U8,
	FIELD_KIND_U16,
	FIELD_KIND_U32,
	FIELD_KIND_U64,
	FIELD_KIND_I32,
	FIELD_KIND_I64,
	FIELD_KIND_F64,
	FIELD_KIND_TEXT,
};

struct field {
	uint32_t offset;
	uint32_t size;
	enum field_kind kind;
};

/* clang-format off */
#define FIELD_KIND(x)                                                                              \
	_Generic((x), uint8_t: FIELD_KIND_U8, uint16_t: FIELD_KIND_U16, uint32_t: FIELD_KIND_U32,  \
		uint64_t: FIELD_KIND_U64, int32_t: FIELD_KIND_I32, int64_t: FIELD_KIND_I64,        \
		double: FIELD_KIND_F64, char *: FIELD_KIND_TEXT)
#define FIELD(type, member)                                                                        \
	{offsetof(type, member), sizeof(((type *)0)->member), FIELD_KIND(((type *)0)->member)}
/* clang-format on */
#define FIELD_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Encode and decode the n fields of the struct at `at`. Look at w->full, r->bad. */
void field_put(struct proto_w *w, const struct field *table, size_t n, const void *at);
void field_get(struct proto_r *r, const struct field *table, size_t n, void *ret_at);
/* A count of things that take at least `least` bytes each: beyond max, or more than the bytes that
 * are left could hold, makes the reader bad and gives 0. */
uint32_t field_get_count(struct proto_r *r, uint32_t max, size_t least);

#define FIELD_PUT(w, table, at) field_put(w, table, FIELD_COUNT(table), at)
#define FIELD_GET(r, table, at) field_get(r, table, FIELD_COUNT(table), at)

#endif
