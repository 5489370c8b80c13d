/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the sync: service, both versions, for both roles; pure. All numbers are
 * little-endian; a request is `u32 id; u32 length; path` without NUL. Source: AOSP
 * file_sync_protocol.h.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_SYNCMSG_H
#define FRAMEFARM_DRIVERS_ADB_SYNCMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB_SYNC_PATH_MAX 1024
#define ADB_SYNC_DATA_MAX (64 * 1024) /* of one DATA */
#define ADB_SYNC_REQUEST  8           /* id and length */

#define ADB_SYNC_ID(a, b, c, d)                                                                    \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

enum adb_sync_id {
	ADB_SYNC_STAT = ADB_SYNC_ID('S', 'T', 'A', 'T'), /* lstat */
	ADB_SYNC_STA2 = ADB_SYNC_ID('S', 'T', 'A', '2'), /* stat, version 2 */
	ADB_SYNC_LST2 = ADB_SYNC_ID('L', 'S', 'T', '2'), /* lstat, version 2 */
	ADB_SYNC_LIST = ADB_SYNC_ID('L', 'I', 'S', 'T'),
	ADB_SYNC_LIS2 = ADB_SYNC_ID('L', 'I', 'S', '2'),
	ADB_SYNC_DENT = ADB_SYNC_ID('D', 'E', 'N', 'T'),
	ADB_SYNC_DNT2 = ADB_SYNC_ID('D', 'N', 'T', '2'),
	ADB_SYNC_SEND = ADB_SYNC_ID('S', 'E', 'N', 'D'),
	ADB_SYNC_SND2 = ADB_SYNC_ID('S', 'N', 'D', '2'),
	ADB_SYNC_RECV = ADB_SYNC_ID('R', 'E', 'C', 'V'),
	ADB_SYNC_RCV2 = ADB_SYNC_ID('R', 'C', 'V', '2'),
	ADB_SYNC_DATA = ADB_SYNC_ID('D', 'A', 'T', 'A'),
	ADB_SYNC_DONE = ADB_SYNC_ID('D', 'O', 'N', 'E'),
	ADB_SYNC_OKAY = ADB_SYNC_ID('O', 'K', 'A', 'Y'),
	ADB_SYNC_FAIL = ADB_SYNC_ID('F', 'A', 'I', 'L'),
	ADB_SYNC_QUIT = ADB_SYNC_ID('Q', 'U', 'I', 'T'),
};

/* Flags of SND2 and RCV2: at most one compression. */
#define ADB_SYNC_BROTLI  1u
#define ADB_SYNC_LZ4     2u
#define ADB_SYNC_ZSTD    4u
#define ADB_SYNC_DRY_RUN 0x80000000u

/* Sizes of replies, id included. */
#define ADB_SYNC_STAT_BYTES  16 /* STAT */
#define ADB_SYNC_STAT2_BYTES 72 /* STA2, LST2 */
#define ADB_SYNC_DENT_BYTES  20 /* before the name; also LIST's closing DONE */
#define ADB_SYNC_DNT2_BYTES  76

/* One file's answer. Version 1 fills mode, size (32 bits: it wraps at 4 GiB) and mtime alone; a file
 * that is not there has mode 0 in version 1 and error ENOENT (2) in version 2. error has Linux's
 * numbers. */
struct adb_sync_stat {
	uint32_t error;
	uint64_t dev, ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t size;
	int64_t atime_s, mtime_s, ctime_s;
};

void adb_sync_put_request(uint8_t dst[ADB_SYNC_REQUEST], uint32_t id, uint32_t n);
void adb_sync_put_stat(uint8_t dst[ADB_SYNC_STAT_BYTES], const struct adb_sync_stat *st);
void adb_sync_get_stat(const uint8_t src[ADB_SYNC_STAT_BYTES], struct adb_sync_stat *ret_st);
void adb_sync_put_stat2(
	uint8_t dst[ADB_SYNC_STAT2_BYTES], uint32_t id, const struct adb_sync_stat *st);
void adb_sync_get_stat2(const uint8_t src[ADB_SYNC_STAT2_BYTES], struct adb_sync_stat *ret_st);
/* The fixed part of a directory's entry; the name of name_n bytes follows. id DONE with zeros ends. */
void adb_sync_put_dent(uint8_t dst[ADB_SYNC_DENT_BYTES], uint32_t id,
	const struct adb_sync_stat *st, uint32_t name_n);
void adb_sync_put_dent2(uint8_t dst[ADB_SYNC_DNT2_BYTES], uint32_t id,
	const struct adb_sync_stat *st, uint32_t name_n);

/*
 * Replies, as a host reads them from a stream that is split anywhere. DATA is handed out in pieces;
 * a name or a FAIL text is gathered (bounded: 4096 and 1024 bytes). One struct a stream; `kind` of
 * answer must be told before a request's reply comes, since their sizes differ.
 */
enum adb_sync_kind {
	ADB_SYNC_K_STAT,   /* STAT → one STAT */
	ADB_SYNC_K_STAT2,  /* STA2, LST2 → one of 72 bytes */
	ADB_SYNC_K_LIST,   /* DENT…, DONE of 20 bytes */
	ADB_SYNC_K_LIST2,  /* DNT2…, DONE of 76 bytes */
	ADB_SYNC_K_DATA,   /* RECV: DATA…, DONE or FAIL */
	ADB_SYNC_K_STATUS, /* SEND: OKAY or FAIL */
};

struct adb_sync_reply {
	uint32_t id;
	const uint8_t *data; /* a piece of DATA, a name, a FAIL text; not closed by NUL */
	size_t n;
	struct adb_sync_stat stat;
};

struct adb_sync_parser {
	enum adb_sync_kind kind;
	uint8_t fixed[ADB_SYNC_DNT2_BYTES];
	uint32_t have, left, id;
	uint8_t text[4096];
	struct adb_sync_stat stat;
	int stage;
};

void adb_sync_parser_init(struct adb_sync_parser *p);
void adb_sync_expect(struct adb_sync_parser *p, enum adb_sync_kind kind);
/* Walks over what came; reply() returning non-zero stops it with that value, and *ret_used tells how
 * many bytes were taken. ERR_PROTO for what is not the protocol: an unknown id, DATA beyond
 * ADB_SYNC_DATA_MAX, a name or text beyond its bound. */
int adb_sync_feed(struct adb_sync_parser *p, const uint8_t *data, size_t n,
	int (*reply)(void *arg, const struct adb_sync_reply *r), void *arg, size_t *ret_used);

#endif
