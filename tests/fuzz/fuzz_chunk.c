/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come as a chunk; what is taken must survive being packed again. */
#include <stdlib.h>
#include <string.h>

#include "chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int64_t t[CHUNK_MAX], v[CHUNK_MAX], t2[CHUNK_MAX], v2[CHUNK_MAX];
	static uint8_t bytes[CHUNK_BYTES_MAX];
	int n = chunk_unpack(data, size, t, v);
	size_t len;

	if (n < 0)
		return 0;
	len = chunk_pack(bytes, t, v, (uint32_t)n);
	if (len > CHUNK_BYTES_MAX || chunk_unpack(bytes, len, t2, v2) != n)
		abort();
	if (memcmp(t, t2, (size_t)n * sizeof(*t)) || memcmp(v, v2, (size_t)n * sizeof(*v)))
		abort();
	return 0;
}
