/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys, from OpenSSL: made, kept as PEM, used to sign and verify a SHA-1 digest (PKCS#1 v1.5),
 * and taken apart into the numbers that other formats are made of. Also what those formats need:
 * MD5 and base64. No other room includes OpenSSL's headers. Any thread, one at a time for each key.
 */
#ifndef FRAMEFARM_BASE_RSAKEY_H
#define FRAMEFARM_BASE_RSAKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSAKEY_BYTES_MAX 512  /* of a modulus: 4096 bits */
#define RSAKEY_DIGEST    20   /* SHA-1 */
#define RSAKEY_PEM_MAX   8192 /* a private key of 4096 bits has 3.3 KiB */

struct err;
struct rsakey;

struct rsakey *rsakey_generate(int bits, struct err *e);
/* A private key, PKCS#8 or PKCS#1, not encrypted. NULL and *e: ERR_PARSE (no such key in there),
 * ERR_UNSUPPORTED (another algorithm, or more than RSAKEY_BYTES_MAX). */
struct rsakey *rsakey_from_pem(const char *pem, size_t n, struct err *e);
/* The public half, of a modulus of n bytes, most significant first. NULL when it cannot be one. */
struct rsakey *rsakey_from_numbers(const uint8_t *modulus, size_t n, uint32_t exponent);
void rsakey_free(struct rsakey *k); /* NULL is allowed */

/* PKCS#8. Returns the length without the NUL that closes it, or ERR_SYS. */
int rsakey_to_pem(const struct rsakey *k, char dst[RSAKEY_PEM_MAX]);

size_t rsakey_bytes(const struct rsakey *k);      /* of the modulus */
uint32_t rsakey_exponent(const struct rsakey *k); /* 0 when it has more than 32 bits */
/* The modulus n, and 2^(2 × its bits) mod n, least significant byte first, rsakey_bytes() each;
 * -1/n mod 2^32. What Montgomery multiplication wants, hence what Android stores. */
void rsakey_modulus_le(const struct rsakey *k, uint8_t *dst);
void rsakey_rr_le(const struct rsakey *k, uint8_t *dst);
uint32_t rsakey_n0inv(const struct rsakey *k);

/* sig has rsakey_bytes(). 0 or ERR_SYS. */
int rsakey_sign(const struct rsakey *k, const uint8_t digest[RSAKEY_DIGEST], uint8_t *sig);
bool rsakey_verify(
	const struct rsakey *k, const uint8_t digest[RSAKEY_DIGEST], const void *sig, size_t n);

void rsakey_md5(const void *data, size_t n, uint8_t dst[16]); /* zeros where it is forbidden */
/* With padding and NUL: dst has 4 × ceil(n / 3) + 1 bytes. */
void rsakey_base64(const void *data, size_t n, char *dst);
/* Strict. Returns the length, or -1 when it is none or longer than cap. */
int rsakey_unbase64(const char *text, size_t n, uint8_t *dst, size_t cap);

#endif
