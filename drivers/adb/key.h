/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADB's RSA keys: made, read from PEM (also ~/.android/adbkey, PKCS#8), used to sign a token, and
 * written the way Android wants a public key: base64 of 524 bytes, a blank, "user@host". The
 * arithmetic is OpenSSL's, behind base/rsakey.h.
 *
 * A token of 20 bytes is signed as if it were the SHA-1 digest (AOSP client/auth.cpp).
 */
#ifndef FRAMEFARM_DRIVERS_ADB_KEY_H
#define FRAMEFARM_DRIVERS_ADB_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/adb/packet.h"

#define ADB_KEY_BITS     2048
#define ADB_SIGNATURE    256
#define ADB_KEY_BLOB     524
#define ADB_KEY_TEXT_MAX 1024 /* base64, blank, name, NUL */
#define ADB_KEYS_MAX     16   /* that a host offers one after the other */
#define ADB_FINGERPRINT  48   /* "ab:cd:…" of MD5 and NUL: what the phone's dialog shows */

struct err;
struct adb_key; /* private or public */

struct adb_key *adb_key_generate(struct err *e);
/* A private key in PEM. ERR_NOTFOUND, ERR_PARSE, ERR_UNSUPPORTED (not RSA of 2048 bits), ERR_PERM:
 * *e says which file and what to do. NULL then. Blocks. */
struct adb_key *adb_key_read(const char *path, struct err *e);
/* Writes PEM with mode 0600, by rename, and PATH.pub beside it. Blocks. */
int adb_key_write(const struct adb_key *k, const char *path, struct err *e);
void adb_key_free(struct adb_key *k); /* NULL is allowed */

/* 0 or ERR_SYS. */
int adb_key_sign(
	const struct adb_key *k, const uint8_t token[ADB_TOKEN], uint8_t ret_sig[ADB_SIGNATURE]);
bool adb_key_verify(
	const struct adb_key *k, const uint8_t token[ADB_TOKEN], const void *sig, size_t n);

/* "BASE64 NAME\0" as AUTH type 3 carries it; name is "framefarm@HOST". Returns the length with the
 * NUL. */
size_t adb_key_text(const struct adb_key *k, const char *name, char dst[ADB_KEY_TEXT_MAX]);
/* The public half out of such a text (a line of adb_keys); NULL when it is none. */
struct adb_key *adb_key_parse(const char *text, size_t n);
void adb_key_fingerprint(const struct adb_key *k, char dst[ADB_FINGERPRINT]);
bool adb_key_same(const struct adb_key *a, const struct adb_key *b); /* the public halves */

#endif
