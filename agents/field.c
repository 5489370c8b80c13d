/* SPDX-License-Identifier: Apache-2.0 */
/* Structs as bytes, by table; see field.h. */
#include "field.h"

void field_put(struct proto_w *w, const struct field *table, size_t n, const void *at)
{
	for (const struct field *f = table; f < table + n; f++) {
		const void *p = (const char *)at + f->offset;

		switch (f->kind) {
		case FIELD_KIND_U8:
			proto_put_u8(w, *(const uint8_t *)p);
			break;
		case FIELD_KIND_U16:
			proto_put_u16(w, *(const uint16_t *)p);
			break;
		case FIELD_KIND_U32:
			proto_put_u32(w, *(const uint32_t *)p);
			break;
		case FIELD_KIND_U64:
			proto_put_u64(w, *(const uint64_t *)p);
			break;
		case FIELD_KIND_I32:
			proto_put_u32(w, (uint32_t) * (const int32_t *)p);
			break;
		case FIELD_KIND_I64:
			proto_put_i64(w, *(const int64_t *)p);
			break;
		case FIELD_KIND_F64:
			proto_put_f64(w, *(const double *)p);
			break;
		case FIELD_KIND_TEXT:
			proto_put_text(w, p);
			break;
		}
	}
}

void field_get(struct proto_r *r, const struct field *table, size_t n, void *ret_at)
{
	for (const struct field *f = table; f < table + n; f++) {
		void *p = (char *)ret_at + f->offset;

		switch (f->kind) {
		case FIELD_KIND_U8:
			*(uint8_t *)p = proto_get_u8(r);
			break;
		case FIELD_KIND_U16:
			*(uint16_t *)p = proto_get_u16(r);
			break;
		case FIELD_KIND_U32:
			*(uint32_t *)p = proto_get_u32(r);
			break;
		case FIELD_KIND_U64:
			*(uint64_t *)p = proto_get_u64(r);
			break;
		case FIELD_KIND_I32:
			*(int32_t *)p = (int32_t)proto_get_u32(r);
			break;
		case FIELD_KIND_I64:
			*(int64_t *)p = proto_get_i64(r);
			break;
		case FIELD_KIND_F64:
			*(double *)p = proto_get_f64(r);
			break;
		case FIELD_KIND_TEXT:
			proto_get_text(r, p, f->size);
			break;
		}
	}
}

uint32_t field_get_count(struct proto_r *r, uint32_t max, size_t least)
{
	uint32_t n = proto_get_u32(r);

	if (n > max || n > proto_left(r) / least) {
		r->bad = true;
		return 0;
	}
	return n;
}
