/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto; see tensorpb.h. Wire format: protobuf.dev/programming-guides/encoding. */
#include "tensorpb.h"

#include <stdio.h>
#include <string.h>

#include "plan.h"

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

enum field {
	FIELD_DIMS = 1,
	FIELD_TYPE = 2,
	FIELD_SEGMENT = 3,
	FIELD_FLOAT = 4,
	FIELD_INT32 = 5,
	FIELD_STRING = 6,
	FIELD_INT64 = 7,
	FIELD_NAME = 8,
	FIELD_RAW = 9,
	FIELD_DOUBLE = 10,
	FIELD_UINT64 = 11,
	FIELD_EXTERNAL = 13,
	FIELD_LOCATION = 14,
};

struct span {
	const uint8_t *p, *end;
};

/* One field of the message: a number, or the span of a length-delimited one. */
struct item {
	uint32_t field;
	int wire;
	uint64_t number; /* varint, or the bits of a fixed one */
	struct span bytes;
};

/* What the message says before its elements are stored. */
struct proto {
	int type;
	int n_dims;
	int64_t dims[TENSOR_DIMS];
	bool has_raw;
	struct span raw;
	uint64_t n_elements; /* of typed lists */
	uint64_t n_strings;
	size_t string_bytes; /* with a NUL each */
	char name[TENSORPB_NAME];
};

static int get_varint(struct span *s, uint64_t *ret_v)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && s->p < s->end; shift += 7) {
		uint8_t byte = *s->p++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_v = v;
			return 0;
		}
	}
	return -1;
}

static int get_fixed(struct span *s, size_t n, uint64_t *ret_v)
{
	uint64_t v = 0;

	if ((size_t)(s->end - s->p) < n)
		return -1;
	for (size_t i = n; i--;)
		v = v << 8 | s->p[i];
	s->p += n;
	*ret_v = v;
	return 0;
}

static int get_value(struct span *s, int wire, uint64_t *ret_v)
{
	switch (wire) {
	case WIRE_VARINT:
		return get_varint(s, ret_v);
	case WIRE_FIXED64:
		return get_fixed(s, 8, ret_v);
	case WIRE_FIXED32:
		return get_fixed(s, 4, ret_v);
	default:
		return -1;
	}
}

/* Returns 1 and an item, 0 at the end, -1 for bytes that are no message. */
static int next_item(struct span *s, struct item *ret_it)
{
	uint64_t tag, len;

	if (s->p == s->end)
		return 0;
	if (get_varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return -1;
	ret_it->field = (uint32_t)(tag >> 3);
	ret_it->wire = tag & 7;
	if (ret_it->wire != WIRE_BYTES)
		return get_value(s, ret_it->wire, &ret_it->number) ? -1 : 1;
	if (get_varint(s, &len) || len > (size_t)(s->end - s->p))
		return -1;
	ret_it->bytes = (struct span){s->p, s->p + len};
	s->p += len;
	return 1;
}

/* The wire type of a typed list's elements, or -1 for a field that is none. */
static int list_wire(uint32_t field)
{
	switch (field) {
	case FIELD_FLOAT:
		return WIRE_FIXED32;
	case FIELD_DOUBLE:
		return WIRE_FIXED64;
	case FIELD_INT32:
	case FIELD_INT64:
	case FIELD_UINT64:
		return WIRE_VARINT;
	default:
		return -1;
	}
}

/* The list in which elements of a type stand (onnx.proto, comments of TensorProto). */
static uint32_t list_of_type(int type)
{
	switch (type) {
	case TENSOR_F32:
		return FIELD_FLOAT;
	case TENSOR_F64:
		return FIELD_DOUBLE;
	case TENSOR_I64:
		return FIELD_INT64;
	case TENSOR_U32:
	case TENSOR_U64:
		return FIELD_UINT64;
	default:
		return FIELD_INT32;
	}
}

static void store(struct tensor *t, uint64_t i, uint64_t v)
{
	memcpy((char *)t->data + i * tensor_type_size(t->type), &v, tensor_type_size(t->type));
}

/* Counts the elements of one item of a list and, with t, stores them from index *at on. */
static int read_list(const struct item *it, int wire, struct tensor *t, uint64_t *at)
{
	struct span s = it->bytes;
	uint64_t v = it->number;

	if (it->wire == wire) { /* not packed: one element with a tag of its own */
		if (t && *at < t->count)
			store(t, *at, v);
		(*at)++;
		return 0;
	}
	if (it->wire != WIRE_BYTES)
		return -1;
	while (s.p < s.end) {
		if (get_value(&s, wire, &v))
			return -1;
		if (t && *at < t->count)
			store(t, *at, v);
		(*at)++;
	}
	return 0;
}

static int add_dim(struct proto *m, uint64_t v)
{
	if (m->n_dims == TENSOR_DIMS)
		return -1;
	m->dims[m->n_dims++] = (int64_t)v;
	return 0;
}

static int read_dims(struct proto *m, const struct item *it)
{
	struct span s = it->bytes;
	uint64_t v;

	if (it->wire == WIRE_VARINT)
		return add_dim(m, it->number);
	if (it->wire != WIRE_BYTES)
		return -1;
	while (s.p < s.end)
		if (get_varint(&s, &v) || add_dim(m, v))
			return -1;
	return 0;
}

static int bad(struct fail *f, const char *why)
{
	return fail_set(f, OUTCOME_MODEL, "not a usable TensorProto file: %s", why);
}

static int read_item(struct proto *m, const struct item *it, struct fail *f)
{
	int wire = list_wire(it->field);

	if (wire >= 0)
		return read_list(it, wire, NULL, &m->n_elements) ? bad(f, "a broken list") : 0;
	switch (it->field) {
	case FIELD_DIMS:
		return read_dims(m, it) ? bad(f, "broken or too many dimensions") : 0;
	case FIELD_TYPE:
		if (it->wire != WIRE_VARINT || it->number > 255)
			return bad(f, "a broken element type");
		m->type = (int)it->number;
		return 0;
	case FIELD_NAME:
		if (it->wire != WIRE_BYTES)
			return bad(f, "a broken name");
		snprintf(m->name, sizeof(m->name), "%.*s",
			(int)(it->bytes.end - it->bytes.p > TENSORPB_NAME
					? TENSORPB_NAME
					: it->bytes.end - it->bytes.p),
			(const char *)it->bytes.p);
		return 0;
	case FIELD_RAW:
		if (it->wire != WIRE_BYTES)
			return bad(f, "broken raw data");
		m->has_raw = true;
		m->raw = it->bytes;
		return 0;
	case FIELD_STRING:
		if (it->wire != WIRE_BYTES || memchr(it->bytes.p, 0, it->bytes.end - it->bytes.p))
			return bad(f, "a string with a NUL in it");
		m->n_strings++;
		m->string_bytes += it->bytes.end - it->bytes.p + 1;
		return 0;
	case FIELD_SEGMENT:
		return bad(f, "it is one segment of a tensor; give the whole");
	case FIELD_EXTERNAL:
		return bad(f, "its data lies in another file; store it inside");
	case FIELD_LOCATION:
		return it->wire == WIRE_VARINT && !it->number
		               ? 0
		               : bad(f, "its data lies in another file; store it inside");
	default:
		return 0;
	}
}

static int read_message(const void *data, size_t n, struct proto *ret_m, struct fail *f)
{
	struct span s = {data, (const uint8_t *)data + n};
	struct item it = {0};
	int rc;

	while ((rc = next_item(&s, &it)) == 1)
		if (read_item(ret_m, &it, f))
			return -1;
	return rc ? bad(f, "the bytes are no protobuf message") : 0;
}

static int check_message(const struct proto *m, struct fail *f)
{
	uint64_t count, have;
	size_t bytes, size = tensor_type_size(m->type);
	char text[TENSOR_TEXT];

	if (!size)
		return fail_set(f, OUTCOME_MODEL,
			"not a usable TensorProto file: element type %d is not supported", m->type);
	if (tensor_measure(m->type, m->n_dims, m->dims, &count, &bytes))
		return bad(f, "its shape is not possible");
	have = m->has_raw ? (size_t)(m->raw.end - m->raw.p) / size : m->n_elements;
	if (have != count || (m->has_raw && (size_t)(m->raw.end - m->raw.p) != bytes))
		return fail_set(f, OUTCOME_MODEL,
			"not a usable TensorProto file: %s needs %llu elements, %llu are there",
			tensor_describe(text, m->type, m->n_dims, m->dims),
			(unsigned long long)count, (unsigned long long)have);
	return 0;
}

static int read_typed(const void *data, size_t n, struct tensor *t)
{
	struct span s = {data, (const uint8_t *)data + n};
	struct item it = {0};
	uint64_t at = 0;

	while (next_item(&s, &it) == 1)
		if (it.field == list_of_type(t->type))
			read_list(&it, list_wire(it.field), t, &at);
	return at == t->count ? 0 : -1;
}

static int read_strings(
	const void *data, size_t n, const struct proto *m, struct tensor *ret_t, struct fail *f)
{
	struct span s = {data, (const uint8_t *)data + n};
	struct item it = {0};
	char text[TENSOR_TEXT], *to;

	if (tensor_init_strings(ret_t, m->n_dims, m->dims, m->string_bytes, f))
		return f->outcome == OUTCOME_MEMORY
		               ? -1
		               : bad(f, "it has fewer strings than its shape needs");
	if (ret_t->count != m->n_strings || m->has_raw || m->n_elements) {
		fail_set(f, OUTCOME_MODEL,
			"not a usable TensorProto file: %s needs %llu elements, %llu are there",
			tensor_describe(text, m->type, m->n_dims, m->dims),
			(unsigned long long)ret_t->count, (unsigned long long)m->n_strings);
		tensor_fini(ret_t);
		return -1;
	}
	to = ret_t->data;
	while (next_item(&s, &it) == 1) {
		if (it.field != FIELD_STRING)
			continue;
		memcpy(to, it.bytes.p, it.bytes.end - it.bytes.p);
		to += it.bytes.end - it.bytes.p + 1;
	}
	return 0;
}

int tensorpb_read(const void *data, size_t n, struct tensor *ret_t, char ret_name[TENSORPB_NAME],
	struct fail *f)
{
	struct proto m = {0};
	struct tensor t = {0};

	if (read_message(data, n, &m, f))
		return -1;
	if (m.type == TENSOR_STRING) {
		if (read_strings(data, n, &m, &t, f))
			return -1;
	} else if (check_message(&m, f) || tensor_init(&t, m.type, m.n_dims, m.dims, f)) {
		return -1;
	} else if (m.has_raw && t.bytes) {
		memcpy(t.data, m.raw.p, t.bytes);
	} else if (!m.has_raw && read_typed(data, n, &t)) {
		tensor_fini(&t);
		return bad(f, "its elements stand in the wrong list for their type");
	}
	if (t.type == TENSOR_BOOL) /* kernels may take any other byte amiss */
		for (uint64_t i = 0; i < t.count; i++)
			((uint8_t *)t.data)[i] = ((uint8_t *)t.data)[i] != 0;
	*ret_t = t;
	if (ret_name)
		memcpy(ret_name, m.name, TENSORPB_NAME);
	return 0;
}

/* ---- writing ---- */

static size_t put_varint(uint8_t *dst, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		dst[n++] = (uint8_t)(v | 0x80);
	dst[n++] = (uint8_t)v;
	return n;
}

size_t tensorpb_head(uint8_t dst[TENSORPB_HEAD_MAX], const struct tensor *t, const char *name)
{
	size_t n = 0, len = strnlen(name, TENSORPB_NAME - 1);

	for (int i = 0; i < t->n_dims; i++) {
		dst[n++] = FIELD_DIMS << 3 | WIRE_VARINT;
		n += put_varint(dst + n, (uint64_t)t->dims[i]);
	}
	dst[n++] = FIELD_TYPE << 3 | WIRE_VARINT;
	n += put_varint(dst + n, (uint64_t)t->type);
	dst[n++] = FIELD_NAME << 3 | WIRE_BYTES;
	n += put_varint(dst + n, len);
	memcpy(dst + n, name, len);
	n += len;
	if (t->type == TENSOR_STRING)
		return n;
	dst[n++] = FIELD_RAW << 3 | WIRE_BYTES;
	return n + put_varint(dst + n, t->bytes);
}

size_t tensorpb_string_head(uint8_t dst[TENSORPB_HEAD_MAX], size_t len)
{
	dst[0] = FIELD_STRING << 3 | WIRE_BYTES;
	return 1 + put_varint(dst + 1, len);
}
