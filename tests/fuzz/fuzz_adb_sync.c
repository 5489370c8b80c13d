/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come over a sync stream, in answer to any request. However they are cut, the same
 * answers come out, and none is longer than its bound. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/adb/syncmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	uint32_t hash, n;
};

static int reply(void *arg, const struct adb_sync_reply *r)
{
	struct heard *h = arg;

	if (r->n > ADB_SYNC_DATA_MAX || (r->id == ADB_SYNC_FAIL && r->n > 1024) ||
		((r->id == ADB_SYNC_DENT || r->id == ADB_SYNC_DNT2) && r->n > 4096))
		abort();
	for (size_t i = 0; i < r->n; i++)
		h->hash = h->hash * 31 + r->data[i] + 1u;
	h->hash = h->hash * (r->id == ADB_SYNC_DATA ? 1 : 31) + (uint32_t)r->stat.size;
	h->n += r->id != ADB_SYNC_DATA;
	return 0;
}

static int walk(
	enum adb_sync_kind kind, const uint8_t *data, size_t size, size_t step, struct heard *h)
{
	struct adb_sync_parser *p = malloc(sizeof(*p));
	int rc = 0;

	adb_sync_parser_init(p);
	adb_sync_expect(p, kind);
	for (size_t at = 0; at < size && !rc; at += step) {
		size_t n = size - at < step ? size - at : step, used;
		uint8_t *copy = malloc(n);

		memcpy(copy, data + at, n);
		rc = adb_sync_feed(p, copy, n, reply, h, &used);
		if (used > n || (!rc && used != n))
			abort();
		free(copy);
	}
	free(p);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {0}, cut = {0};
	enum adb_sync_kind kind;
	int rc;

	if (size < 2)
		return 0;
	kind = data[0] % (ADB_SYNC_K_STATUS + 1);
	rc = walk(kind, data + 2, size - 2, size, &whole);
	if (rc && rc != ERR_PROTO)
		abort();
	if (walk(kind, data + 2, size - 2, data[1] % 32 + 1u, &cut) != rc)
		abort();
	if (whole.hash != cut.hash || whole.n != cut.n)
		abort();
	return 0;
}
