/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ADB packet: header, payload, and how both come out of a stream of bytes. Shared by the host
 * role (to phones) and the device role (the virtual phone; later a reserving engineer's adb). Pure:
 * no I/O, no clock.
 *
 * Source: AOSP packages/modules/adb, types.h and protocol.txt. A header is six little-endian u32:
 * command, arg0, arg1, data_length, data_check, magic (command ^ 0xffffffff).
 */
#ifndef FRAMEFARM_DRIVERS_ADB_PACKET_H
#define FRAMEFARM_DRIVERS_ADB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADB_HEADER 24

#define ADB_VERSION_SUM   0x01000000u /* data_check is the payload's sum */
#define ADB_VERSION       0x01000001u /* data_check is 0 and not looked at */
#define ADB_STLS_VERSION  0x01000000u
#define ADB_PAYLOAD_MAX   (1024 * 1024) /* what we accept, and the most that anybody may send */
#define ADB_PAYLOAD_MIN   4096          /* Android 6 and older take no more */
#define ADB_HANDSHAKE_MAX 4096          /* CNXN and AUTH payloads, in either direction */

enum adb_command {
	ADB_CNXN = 0x4e584e43, /* version, max payload, banner */
	ADB_AUTH = 0x48545541, /* enum adb_auth, 0, token | signature | public key */
	ADB_OPEN = 0x4e45504f, /* local id, 0 or window, "service\0" */
	ADB_OKAY = 0x59414b4f, /* local id, remote id, "" or i32 window */
	ADB_CLSE = 0x45534c43, /* local id, remote id */
	ADB_WRTE = 0x45545257, /* local id, remote id, data */
	ADB_STLS = 0x534c5453, /* version */
	ADB_SYNC = 0x434e5953, /* obsolete; ignored */
};

enum adb_auth { ADB_AUTH_TOKEN = 1, ADB_AUTH_SIGNATURE = 2, ADB_AUTH_PUBLIC_KEY = 3 };
#define ADB_TOKEN 20

struct adb_header {
	uint32_t command, arg0, arg1;
	uint32_t len;
	uint32_t sum; /* data_check */
};

/* "CNXN", or "?" for a foreign command. */
const char *adb_command_name(uint32_t command);

void adb_header_put(uint8_t dst[ADB_HEADER], const struct adb_header *h);
/* 0, or ERR_PROTO for a wrong magic or a length beyond max. A command that nobody knows passes. */
int adb_header_get(const uint8_t src[ADB_HEADER], uint32_t max, struct adb_header *ret_h);
/* Plain sum of the bytes, modulo 2^32. */
uint32_t adb_sum(const void *data, size_t n);

/*
 * A packet on its way, counted by references: a payload with room for the header before it, so that
 * both move in one call, and a file can be read to where it is sent from, or written from where it
 * was received. Out: `len` bytes of `data` are the payload; filled by its maker before it is given
 * away, never changed afterwards. In: the parser's bytes, from `head` on; behind the longest payload
 * there is room for the next header, which comes with it.
 */
struct adb_buf {
	int refs; /* of the loop thread alone */
	int size; /* of its memory; packet_buf.c's */
	uint32_t cap, len;
	uint8_t head[ADB_HEADER]; /* directly before data */
	uint8_t data[];           /* cap, and ADB_HEADER more */
};
_Static_assert(offsetof(struct adb_buf, data) == offsetof(struct adb_buf, head) + ADB_HEADER,
	"header and payload are one run of bytes");

struct adb_buf *adb_buf_new(uint32_t cap); /* cap at most ADB_PAYLOAD_MAX; one reference */
struct adb_buf *adb_buf_try(uint32_t cap); /* NULL when memory is out */
struct adb_buf *adb_buf_ref(struct adb_buf *b);
void adb_buf_unref(struct adb_buf *b); /* NULL is allowed */

/*
 * Takes packets out of a stream. The reader asks where the next bytes go, reads there, and says how
 * many came: nothing is copied. Garbage is final.
 *	while ((n = adb_parser_room(&p, &where)) …read(fd, where, n)…
 *		while ((rc = adb_parser_got(&p, n)) == 1) { use p.h and p.payload; n = 0; }
 */
struct adb_parser {
	uint32_t max; /* longest payload that is taken; may be changed between packets */
	bool verify;  /* the payload's sum must fit, unless it is 0 */
	struct adb_header h;
	uint8_t *payload; /* of the packet that adb_parser_got() announced; NULL when h.len is 0 */

	struct adb_buf *buf; /* what was read, from `head` on; NULL when nothing is left of it */
	uint32_t have, used;
	uint32_t
		long_last; /* length of the packet before, if that was a long one: so is the next, in
			       all likelihood */
	int bad;           /* 0, or the code that ended it */
};

void adb_parser_init(struct adb_parser *p, uint32_t max);
void adb_parser_fini(struct adb_parser *p);
/* How many bytes may be put to *ret_where now; at least 1 unless the parser is bad. */
size_t adb_parser_room(struct adb_parser *p, uint8_t **ret_where);
/* n more bytes stand there (0 goes on with what is left). 1: a packet is in p->h and p->payload,
 * valid until the next call; 0: more bytes are needed; ERR_PROTO, ERR_NOMEM: final. */
int adb_parser_got(struct adb_parser *p, size_t n);
/* A reference to the buffer that the announced payload lies in, which then is not written to any
 * more: who keeps the payload need not copy it. NULL for one that is not worth it. */
struct adb_buf *adb_parser_hold(struct adb_parser *p);

#endif
