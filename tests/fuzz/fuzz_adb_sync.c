/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come over a sync stream, in answer to any request. However they are cut, the same
 * answers come out, and none is longer than its bound. What the phone's side of us would send for such an
 * answer is read as the same one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/adb/syncmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	enum adb_sync_kind kind;
	uint32_t hash, n;
};

/* ---- the same, sent by us ---- */

static size_t encode(enum adb_sync_kind kind, const struct adb_sync_reply *r, uint8_t *dst)
{
	switch (r->id) {
	case ADB_SYNC_STAT:
		adb_sync_put_stat(dst, &r->stat);
		return ADB_SYNC_STAT_BYTES;
	case ADB_SYNC_STA2:
	case ADB_SYNC_LST2:
		adb_sync_put_stat2(dst, r->id, &r->stat);
		return ADB_SYNC_STAT2_BYTES;
	default:
		if (kind == ADB_SYNC_K_LIST && r->id != ADB_SYNC_FAIL) {
			adb_sync_put_dent(dst, r->id, &r->stat, (uint32_t)r->n);
			return ADB_SYNC_DENT_BYTES;
		}
		if (kind == ADB_SYNC_K_LIST2 && r->id != ADB_SYNC_FAIL) {
			adb_sync_put_dent2(dst, r->id, &r->stat, (uint32_t)r->n);
			return ADB_SYNC_DNT2_BYTES;
		}
		adb_sync_put_request(dst, r->id, (uint32_t)r->n);
		return ADB_SYNC_REQUEST;
	}
}

struct again {
	const struct adb_sync_reply *want;
	int n;
};

static int compare(void *arg, const struct adb_sync_reply *r)
{
	struct again *a = arg;
	uint8_t one[ADB_SYNC_STAT2_BYTES], two[ADB_SYNC_STAT2_BYTES];

	a->n++;
	adb_sync_put_stat2(one, 0, &r->stat);
	adb_sync_put_stat2(two, 0, &a->want->stat);
	if (r->id != a->want->id || r->n != a->want->n || memcmp(one, two, sizeof(one)) ||
		(r->n && memcmp(r->data, a->want->data, r->n)))
		abort();
	return 0;
}

static void send_again(enum adb_sync_kind kind, const struct adb_sync_reply *r)
{
	uint8_t *wire = malloc(ADB_SYNC_DNT2_BYTES + r->n);
	struct adb_sync_parser *p = malloc(sizeof(*p));
	size_t n = encode(kind, r, wire), used;
	struct again a = {r, 0};

	if (r->n)
		memcpy(wire + n, r->data, r->n);
	adb_sync_parser_init(p);
	adb_sync_expect(p, kind);
	if (adb_sync_feed(p, wire, n + r->n, compare, &a, &used) || used != n + r->n || a.n != 1)
		abort();
	free(p);
	free(wire);
}

/* ---- any bytes ---- */

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
	send_again(h->kind, r);
	return 0;
}

static int walk(const uint8_t *data, size_t size, size_t step, struct heard *h)
{
	struct adb_sync_parser *p = malloc(sizeof(*p));
	int rc = 0;

	adb_sync_parser_init(p);
	adb_sync_expect(p, h->kind);
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
	struct heard whole = {0}, cut;
	int rc;

	if (size < 2)
		return 0;
	whole.kind = data[0] % (ADB_SYNC_K_STATUS + 1);
	cut = whole;
	rc = walk(data + 2, size - 2, size, &whole);
	if (rc && rc != ERR_PROTO)
		abort();
	if (walk(data + 2, size - 2, data[1] % 32 + 1u, &cut) != rc)
		abort();
	if (whole.hash != cut.hash || whole.n != cut.n)
		abort();
	return 0;
}
