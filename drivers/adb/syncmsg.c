/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the sync: service; see syncmsg.h. */
#include "drivers/adb/syncmsg.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

#define NAME_MAX_BYTES 4096
#define FAIL_MAX_BYTES 1024

/* ---- numbers ---- */

static void put32(uint8_t *dst, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		dst[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *dst, uint64_t v)
{
	put32(dst, (uint32_t)v);
	put32(dst + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const uint8_t *src)
{
	return src[0] | (uint32_t)src[1] << 8 | (uint32_t)src[2] << 16 | (uint32_t)src[3] << 24;
}

static uint64_t get64(const uint8_t *src)
{
	return get32(src) | (uint64_t)get32(src + 4) << 32;
}

/* ---- out ---- */

void adb_sync_put_request(uint8_t dst[ADB_SYNC_REQUEST], uint32_t id, uint32_t n)
{
	put32(dst, id);
	put32(dst + 4, n);
}

static uint32_t low32(uint64_t size)
{
	return (uint32_t)size; /* wraps at 4 GiB: version 1 has no more */
}

void adb_sync_put_stat(uint8_t dst[ADB_SYNC_STAT_BYTES], const struct adb_sync_stat *st)
{
	put32(dst, ADB_SYNC_STAT);
	put32(dst + 4, st->mode);
	put32(dst + 8, low32(st->size));
	put32(dst + 12, (uint32_t)st->mtime_s);
}

void adb_sync_put_stat2(
	uint8_t dst[ADB_SYNC_STAT2_BYTES], uint32_t id, const struct adb_sync_stat *st)
{
	put32(dst, id);
	put32(dst + 4, st->error);
	put64(dst + 8, st->dev);
	put64(dst + 16, st->ino);
	put32(dst + 24, st->mode);
	put32(dst + 28, st->nlink);
	put32(dst + 32, st->uid);
	put32(dst + 36, st->gid);
	put64(dst + 40, st->size);
	put64(dst + 48, (uint64_t)st->atime_s);
	put64(dst + 56, (uint64_t)st->mtime_s);
	put64(dst + 64, (uint64_t)st->ctime_s);
}

void adb_sync_put_dent(uint8_t dst[ADB_SYNC_DENT_BYTES], uint32_t id,
	const struct adb_sync_stat *st, uint32_t name_n)
{
	adb_sync_put_stat(dst, st);
	put32(dst, id);
	put32(dst + 16, name_n);
}

void adb_sync_put_dent2(uint8_t dst[ADB_SYNC_DNT2_BYTES], uint32_t id,
	const struct adb_sync_stat *st, uint32_t name_n)
{
	adb_sync_put_stat2(dst, id, st);
	put32(dst + 72, name_n);
}

/* ---- in ---- */

void adb_sync_get_stat(const uint8_t src[ADB_SYNC_STAT_BYTES], struct adb_sync_stat *ret_st)
{
	memset(ret_st, 0, sizeof(*ret_st));
	ret_st->mode = get32(src + 4);
	ret_st->size = get32(src + 8);
	ret_st->mtime_s = get32(src + 12);
}

void adb_sync_get_stat2(const uint8_t src[ADB_SYNC_STAT2_BYTES], struct adb_sync_stat *ret_st)
{
	*ret_st = (struct adb_sync_stat){.error = get32(src + 4),
		.dev = get64(src + 8),
		.ino = get64(src + 16),
		.mode = get32(src + 24),
		.nlink = get32(src + 28),
		.uid = get32(src + 32),
		.gid = get32(src + 36),
		.size = get64(src + 40),
		.atime_s = (int64_t)get64(src + 48),
		.mtime_s = (int64_t)get64(src + 56),
		.ctime_s = (int64_t)get64(src + 64)};
}

/* The parser: an id and enough of what follows (FIXED), then a text that is gathered (TEXT) or data
 * that is handed on (DATA). */
enum stage { FIXED, TEXT, DATA };

void adb_sync_parser_init(struct adb_sync_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void adb_sync_expect(struct adb_sync_parser *p, enum adb_sync_kind kind)
{
	p->kind = kind;
}

struct answer {
	enum adb_sync_kind kind;
	uint32_t id;
	uint32_t bytes;
};

/* Every answer that a request may get, and the size of its fixed part. FAIL goes with all. */
static const struct answer answers[] = {
	{ADB_SYNC_K_STAT, ADB_SYNC_STAT, ADB_SYNC_STAT_BYTES},
	{ADB_SYNC_K_STAT2, ADB_SYNC_STA2, ADB_SYNC_STAT2_BYTES},
	{ADB_SYNC_K_STAT2, ADB_SYNC_LST2, ADB_SYNC_STAT2_BYTES},
	{ADB_SYNC_K_LIST, ADB_SYNC_DENT, ADB_SYNC_DENT_BYTES},
	{ADB_SYNC_K_LIST, ADB_SYNC_DONE, ADB_SYNC_DENT_BYTES},
	{ADB_SYNC_K_LIST2, ADB_SYNC_DNT2, ADB_SYNC_DNT2_BYTES},
	{ADB_SYNC_K_LIST2, ADB_SYNC_DONE, ADB_SYNC_DNT2_BYTES},
	{ADB_SYNC_K_DATA, ADB_SYNC_DATA, 8},
	{ADB_SYNC_K_DATA, ADB_SYNC_DONE, 8},
	{ADB_SYNC_K_STATUS, ADB_SYNC_OKAY, 8},
};

/* 0 for an id that is no answer to what was asked. */
static uint32_t fixed_size(const struct adb_sync_parser *p, uint32_t id)
{
	if (id == ADB_SYNC_FAIL)
		return 8;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].kind == p->kind && answers[i].id == id)
			return answers[i].bytes;
	return 0;
}

struct feed {
	struct adb_sync_parser *p;
	const uint8_t *data;
	size_t n;
	int (*reply)(void *arg, const struct adb_sync_reply *r);
	void *arg;
};

static int say(struct feed *f, const uint8_t *data, size_t n)
{
	struct adb_sync_reply r = {.id = f->p->id, .data = data, .n = n, .stat = f->p->stat};

	return f->reply(f->arg, &r);
}

/* An answer's text or data follows its fixed part. */
static int begin_text(struct adb_sync_parser *p, uint32_t n, uint32_t max)
{
	if (n > max)
		return ERR_PROTO;
	p->left = n;
	p->stage = TEXT;
	return 0;
}

static int fixed_done(struct feed *f)
{
	struct adb_sync_parser *p = f->p;

	p->have = 0;
	memset(&p->stat, 0, sizeof(p->stat));
	switch (p->id) {
	case ADB_SYNC_STAT:
		adb_sync_get_stat(p->fixed, &p->stat);
		return say(f, NULL, 0);
	case ADB_SYNC_STA2:
	case ADB_SYNC_LST2:
		adb_sync_get_stat2(p->fixed, &p->stat);
		return say(f, NULL, 0);
	case ADB_SYNC_DENT:
		adb_sync_get_stat(p->fixed, &p->stat);
		return begin_text(p, get32(p->fixed + 16), NAME_MAX_BYTES);
	case ADB_SYNC_DNT2:
		adb_sync_get_stat2(p->fixed, &p->stat);
		return begin_text(p, get32(p->fixed + 72), NAME_MAX_BYTES);
	case ADB_SYNC_FAIL:
		return begin_text(p, get32(p->fixed + 4), FAIL_MAX_BYTES);
	case ADB_SYNC_DATA:
		p->left = get32(p->fixed + 4);
		p->stage = DATA;
		return p->left > ADB_SYNC_DATA_MAX ? ERR_PROTO : 0;
	default: /* DONE, OKAY */
		return say(f, NULL, 0);
	}
}

static size_t gather(struct feed *f, uint8_t *dst, size_t have, size_t want)
{
	size_t take = want - have < f->n ? want - have : f->n;

	memcpy(dst + have, f->data, take);
	f->data += take;
	f->n -= take;
	return take;
}

static int step_fixed(struct feed *f)
{
	struct adb_sync_parser *p = f->p;
	uint32_t want = 4;

	if (p->have >= 4) {
		p->id = get32(p->fixed);
		want = fixed_size(p, p->id);
		if (!want)
			return ERR_PROTO;
	}
	p->have += (uint32_t)gather(f, p->fixed, p->have, want);
	if (p->have < want || want == 4)
		return 0;
	return fixed_done(f);
}

static int step_text(struct feed *f)
{
	struct adb_sync_parser *p = f->p;
	uint32_t n;

	p->have += (uint32_t)gather(f, p->text, p->have, p->left);
	if (p->have < p->left)
		return 0;
	n = p->have;
	p->have = p->left = 0;
	p->stage = FIXED;
	return say(f, p->text, n);
}

static int step_data(struct feed *f)
{
	struct adb_sync_parser *p = f->p;
	const uint8_t *at = f->data;
	size_t take = f->n < p->left ? f->n : p->left;

	f->data += take;
	f->n -= take;
	p->left -= (uint32_t)take;
	if (!p->left)
		p->stage = FIXED;
	return take ? say(f, at, take) : 0;
}

static bool has_step(const struct feed *f)
{
	/* An empty text or DATA is complete without another byte; so is an id whose size is now
	 * to be looked up. */
	return f->n || (f->p->stage != FIXED && f->p->left == 0);
}

int adb_sync_feed(struct adb_sync_parser *p, const uint8_t *data, size_t n,
	int (*reply)(void *arg, const struct adb_sync_reply *r), void *arg, size_t *ret_used)
{
	static int (*const steps[])(struct feed * f) = {step_fixed, step_text, step_data};
	struct feed f = {p, data, n, reply, arg};
	int rc = 0;

	_Static_assert(sizeof(p->text) >= NAME_MAX_BYTES && NAME_MAX_BYTES >= FAIL_MAX_BYTES,
		"a text fits");
	while (!rc && has_step(&f))
		rc = steps[p->stage](&f);
	*ret_used = n - f.n;
	return rc;
}
