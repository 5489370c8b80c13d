/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto files from outside: whatever the bytes are, they are refused or become a tensor that
 * is as large as it says, and that comes back the same when it is written and read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runner/tensorpb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct tensor *t, const char *name)
{
	uint8_t *file = malloc(TENSORPB_HEAD_MAX + t->bytes);
	struct tensor back = {0};
	struct fail f = {0};
	size_t n;

	assert(file);
	n = tensorpb_head(file, t, name);
	assert(n <= TENSORPB_HEAD_MAX);
	if (t->bytes)
		memcpy(file + n, t->data, t->bytes);
	assert(!tensorpb_read(file, n + t->bytes, &back, NULL, &f));
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
	assert(t.bytes == t.count * tensor_type_size(t.type) && t.bytes <= 8 * size);
	round_trip(&t, name);
	tensor_fini(&t);
	return 0;
}
