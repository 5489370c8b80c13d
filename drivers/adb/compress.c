/* SPDX-License-Identifier: Apache-2.0 */
/* Brotli, LZ4 and Zstandard behind one table; see compress.h. Levels are the fast ones: the point is
 * a shorter time on the wire, not a smaller file. */
#include "drivers/adb/compress.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/err.h"
#include "base/mem.h"

#define BROTLI_LEVEL 1
#define ZSTD_LEVEL   1
#define LZ4_PIECE    (64 * 1024) /* of input at a time: bounds what one call puts out */

struct kind_ops;

struct adb_compress {
	const struct kind_ops *ops;
	union {
		BrotliEncoderState *be;
		BrotliDecoderState *bd;
		LZ4F_cctx *lc;
		LZ4F_dctx *ld;
		ZSTD_CStream *zc;
		ZSTD_DStream *zd;
	} u;
	/* LZ4 writes in pieces of its own size, so they are kept here until there is room. */
	uint8_t *spill;
	size_t spill_n, spill_at, spill_cap;
	bool begun, ended;
};

struct step {
	const uint8_t *in;
	size_t n_in, used;
	uint8_t *out;
	size_t cap, made;
	bool finish;
};

struct kind_ops {
	uint32_t kind;
	bool decompress;
	bool (*init)(struct adb_compress *c);
	int (*run)(struct adb_compress *c, struct step *st);
	void (*fini)(struct adb_compress *c);
};

/* ---- Brotli ---- */

static bool be_init(struct adb_compress *c)
{
	c->u.be = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	return c->u.be && BrotliEncoderSetParameter(c->u.be, BROTLI_PARAM_QUALITY, BROTLI_LEVEL);
}

static int be_run(struct adb_compress *c, struct step *st)
{
	size_t n = st->n_in, room = st->cap;
	const uint8_t *in = st->in;
	uint8_t *out = st->out;

	if (!BrotliEncoderCompressStream(c->u.be,
		    st->finish ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS, &n, &in, &room,
		    &out, NULL))
		return ERR_CORRUPT;
	st->used = st->n_in - n;
	st->made = st->cap - room;
	return BrotliEncoderIsFinished(c->u.be) ? 1 : 0;
}

static void be_fini(struct adb_compress *c)
{
	if (c->u.be)
		BrotliEncoderDestroyInstance(c->u.be);
}

static bool bd_init(struct adb_compress *c)
{
	c->u.bd = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	return c->u.bd;
}

static int bd_run(struct adb_compress *c, struct step *st)
{
	size_t n = st->n_in, room = st->cap;
	const uint8_t *in = st->in;
	uint8_t *out = st->out;
	BrotliDecoderResult r = BrotliDecoderDecompressStream(c->u.bd, &n, &in, &room, &out, NULL);

	st->used = st->n_in - n;
	st->made = st->cap - room;
	if (r == BROTLI_DECODER_RESULT_ERROR)
		return ERR_CORRUPT;
	return r == BROTLI_DECODER_RESULT_SUCCESS ? 1 : 0;
}

static void bd_fini(struct adb_compress *c)
{
	if (c->u.bd)
		BrotliDecoderDestroyInstance(c->u.bd);
}

/* ---- LZ4 ---- */

static bool lc_init(struct adb_compress *c)
{
	c->spill_cap = LZ4F_compressBound(LZ4_PIECE, NULL) + LZ4F_HEADER_SIZE_MAX;
	c->spill = mem_alloc(c->spill_cap);
	return !LZ4F_isError(LZ4F_createCompressionContext(&c->u.lc, LZ4F_VERSION));
}

static void spill_out(struct adb_compress *c, struct step *st)
{
	size_t n = c->spill_n - c->spill_at, room = st->cap - st->made;

	if (n > room)
		n = room;
	memcpy(st->out + st->made, c->spill + c->spill_at, n);
	st->made += n;
	c->spill_at += n;
}

/* One more piece into the spill. Returns false when there is nothing to make. */
static bool lc_make(struct adb_compress *c, struct step *st, int *ret_rc)
{
	size_t left = st->n_in - st->used, n = left < LZ4_PIECE ? left : LZ4_PIECE, r;

	c->spill_at = 0;
	if (!c->begun) {
		c->begun = true;
		r = LZ4F_compressBegin(c->u.lc, c->spill, c->spill_cap, NULL);
	} else if (n) {
		r = LZ4F_compressUpdate(
			c->u.lc, c->spill, c->spill_cap, st->in + st->used, n, NULL);
		st->used += n;
	} else if (st->finish && !c->ended) {
		c->ended = true;
		r = LZ4F_compressEnd(c->u.lc, c->spill, c->spill_cap, NULL);
	} else {
		c->spill_n = 0;
		return false;
	}
	*ret_rc = LZ4F_isError(r) ? ERR_CORRUPT : 0;
	c->spill_n = *ret_rc ? 0 : r;
	return !*ret_rc;
}

static int lc_run(struct adb_compress *c, struct step *st)
{
	int rc = 0;

	do {
		spill_out(c, st);
		if (c->spill_at < c->spill_n)
			return 0; /* no room */
	} while (lc_make(c, st, &rc));
	return rc ? rc : c->ended;
}

static void lc_fini(struct adb_compress *c)
{
	LZ4F_freeCompressionContext(c->u.lc);
}

static bool ld_init(struct adb_compress *c)
{
	return !LZ4F_isError(LZ4F_createDecompressionContext(&c->u.ld, LZ4F_VERSION));
}

static int ld_run(struct adb_compress *c, struct step *st)
{
	size_t n = st->n_in, room = st->cap;
	size_t r = LZ4F_decompress(c->u.ld, st->out, &room, st->in, &n, NULL);

	if (LZ4F_isError(r))
		return ERR_CORRUPT;
	st->used = n;
	st->made = room;
	c->begun |= n > 0;
	return c->begun && !r; /* r: how much it would like next; 0 at a frame's end */
}

static void ld_fini(struct adb_compress *c)
{
	LZ4F_freeDecompressionContext(c->u.ld);
}

/* ---- Zstandard ---- */

static bool zc_init(struct adb_compress *c)
{
	c->u.zc = ZSTD_createCStream();
	return c->u.zc && !ZSTD_isError(ZSTD_initCStream(c->u.zc, ZSTD_LEVEL));
}

static int zc_run(struct adb_compress *c, struct step *st)
{
	ZSTD_inBuffer in = {st->in, st->n_in, 0};
	ZSTD_outBuffer out = {st->out, st->cap, 0};
	size_t r =
		ZSTD_compressStream2(c->u.zc, &out, &in, st->finish ? ZSTD_e_end : ZSTD_e_continue);

	st->used = in.pos;
	st->made = out.pos;
	if (ZSTD_isError(r))
		return ERR_CORRUPT;
	return st->finish && !r && in.pos == st->n_in;
}

static void zc_fini(struct adb_compress *c)
{
	ZSTD_freeCStream(c->u.zc);
}

static bool zd_init(struct adb_compress *c)
{
	c->u.zd = ZSTD_createDStream();
	return c->u.zd && !ZSTD_isError(ZSTD_initDStream(c->u.zd)) &&
	       !ZSTD_isError(ZSTD_DCtx_setParameter(
		       c->u.zd, ZSTD_d_windowLogMax, ADB_COMPRESS_WINDOW_LOG));
}

static int zd_run(struct adb_compress *c, struct step *st)
{
	ZSTD_inBuffer in = {st->in, st->n_in, 0};
	ZSTD_outBuffer out = {st->out, st->cap, 0};
	size_t r = ZSTD_decompressStream(c->u.zd, &out, &in);

	st->used = in.pos;
	st->made = out.pos;
	return ZSTD_isError(r) ? ERR_CORRUPT : !r;
}

static void zd_fini(struct adb_compress *c)
{
	ZSTD_freeDStream(c->u.zd);
}

/* ---- the table ---- */

static const struct kind_ops table[] = {
	{ADB_SYNC_BROTLI, false, be_init, be_run, be_fini},
	{ADB_SYNC_BROTLI, true, bd_init, bd_run, bd_fini},
	{ADB_SYNC_LZ4, false, lc_init, lc_run, lc_fini},
	{ADB_SYNC_LZ4, true, ld_init, ld_run, ld_fini},
	{ADB_SYNC_ZSTD, false, zc_init, zc_run, zc_fini},
	{ADB_SYNC_ZSTD, true, zd_init, zd_run, zd_fini},
};

struct adb_compress *adb_compress_new(uint32_t kind, bool decompress)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct adb_compress *c;

		if (table[i].kind != kind || table[i].decompress != decompress)
			continue;
		c = mem_zalloc(sizeof(*c));
		c->ops = &table[i];
		if (c->ops->init(c))
			return c;
		adb_compress_free(c);
	}
	return NULL;
}

void adb_compress_free(struct adb_compress *c)
{
	if (!c)
		return;
	c->ops->fini(c);
	mem_free(c->spill);
	mem_free(c);
}

int adb_compress_run(struct adb_compress *c, const void *in, size_t n_in, size_t *ret_used,
	void *out, size_t cap, size_t *ret_made, bool finish)
{
	struct step st = {.in = in, .n_in = n_in, .out = out, .cap = cap, .finish = finish};
	int rc = c->ops->run(c, &st);

	*ret_used = st.used;
	*ret_made = st.made;
	return rc;
}
