/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and random bytes, from OpenSSL and the kernel. No other room includes OpenSSL's headers.
 * Any thread; a hash object has one owner. */
#ifndef FRAMEFARM_BASE_HASH_H
#define FRAMEFARM_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct hash;

struct hash *hash_new(void);
void hash_add(struct hash *h, const void *data, size_t n);
/* Writes the lower-case hex digest and frees the object. */
void hash_finish(struct hash *h, char ret_hex[LIMIT_SHA256]);
void hash_free(struct hash *h); /* without a digest; NULL is allowed */

void hash_bytes(const void *data, size_t n, char ret_hex[LIMIT_SHA256]);
/* Reads the file whole; blocks, so never on the loop thread. ret_size may be NULL. */
int hash_file(const char *path, char ret_hex[LIMIT_SHA256], int64_t *ret_size, struct err *e);

/* n bytes that nobody can guess; aborts when the kernel has none. */
void hash_random(void *dst, size_t n);
/* Compares n bytes in a time that does not tell where they differ. */
bool hash_equal(const void *a, const void *b, size_t n);

#endif
