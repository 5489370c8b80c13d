/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto files from outside: whatever the bytes are, they are refused or become a tensor that
 * is as large as it says, and that comes back the same when it is written and read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runner/tensorpb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t write_elements(uint8_t *file, const struct tensor *t)
{
	const char *p = t->data;
	size_t n = 0;

	if (t->type != TENSOR_STRING) {
		if (t->bytes)
			memcpy(file, p, t->bytes);
		return t->bytes;
	}
	for (uint64_t i = 0; i < t->count; i++, p += strlen(p) + 1) {
		n += tensorpb_string_head(file + n, strlen(p));
		memcpy(file + n, p, strlen(p));
		n += strlen(p);
	}
	assert(p == (const char *)t->data + t->bytes);
	return n;
}

static void round_trip(const struct tensor *t, const char *name)
{
	/* A string's head is two bytes, ten for long ones, and its NUL is not written. */
	uint8_t *file = malloc(2 * TENSORPB_HEAD_MAX + 11 * t->bytes);
	struct tensor back = {0};
	struct fail f = {0};
	size_t n;

	assert(file);
	n = tensorpb_head(file, t, name);
	assert(n <= TENSORPB_HEAD_MAX);
	n += write_elements(file + n, t);
	assert(!tensorpb_read(file, n, &back, NULL, &f));
	assert(tensor_same_shape(t, &back) && back.bytes == t->bytes);
	assert(!t->bytes || !memcmp(t->data, back.data, t->bytes));
	tensor_fini(&back);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[TENSORPB_NAME];
	struct tensor t = {0};
	struct fail f = {0};

	if (tensorpb_read(data, size, &t, name, &f)) {
		assert(f.text[0] && !t.data);
		return 0;
	}
	assert(t.type == TENSOR_STRING || t.bytes == t.count * tensor_type_size(t.type));
	assert(t.bytes <= 8 * size && t.count <= 8 * size);
	round_trip(&t, name);
	tensor_fini(&t);
	return 0;
}
