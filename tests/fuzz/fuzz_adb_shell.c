/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come over a shell. However they are cut, the same data come out under the same ids. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/adb/shell2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	uint32_t hash, ends;
};

static int piece(void *arg, uint8_t id, const uint8_t *data, size_t n, int end)
{
	struct heard *h = arg;

	if (id > ADB_SHELL2_WINDOW || (!n && !end))
		abort();
	for (size_t i = 0; i < n; i++)
		h->hash = h->hash * 31 + data[i] + id * 1000u;
	h->ends += end ? 1 : 0;
	return 0;
}

static int walk(const uint8_t *data, size_t size, size_t step, struct heard *h)
{
	struct adb_shell2_parser p;
	int rc = 0;

	adb_shell2_init(&p);
	for (size_t at = 0; at < size && !rc; at += step) {
		size_t n = size - at < step ? size - at : step;
		uint8_t *copy = malloc(n);

		memcpy(copy, data + at, n);
		rc = adb_shell2_feed(&p, copy, n, piece, h);
		free(copy);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {0}, cut = {0};
	int rc;

	if (!size)
		return 0;
	rc = walk(data + 1, size - 1, size, &whole);
	if (rc && rc != ERR_PROTO)
		abort();
	if (walk(data + 1, size - 1, data[0] % 16 + 1u, &cut) != rc)
		abort();
	if (whole.hash != cut.hash || whole.ends != cut.ends)
		abort();
	return 0;
}
