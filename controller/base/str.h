/* SPDX-License-Identifier: Apache-2.0 */
/* Small text helpers: bounded copies, validation of foreign text, hex. Any thread, no state. */
#ifndef FRAMEFARM_BASE_STR_H
#define FRAMEFARM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies at most size-1 bytes and closes with NUL. Returns false when it had to cut. */
bool str_copy(char *dst, size_t size, const char *src);

/* Copies foreign text: what is not printable UTF-8 becomes '?', control characters too; cut at a
 * character's border. For names and sentences that phones and runners send. */
void str_copy_clean(char *dst, size_t size, const char *src, size_t n);

bool str_is_utf8(const char *s, size_t n);
/* A name that we accept from outside: 1 to LIMIT_NAME-1 of [A-Za-z0-9._:+@-], first not '-' or
 * '.'. */
bool str_is_name(const char *s);
/* 64 lower-case hexadecimal digits. */
bool str_is_sha256(const char *s);

void str_hex(char *dst, const void *src, size_t n); /* dst has 2n+1 bytes */
/* Decimal integer, the whole text; false when it is none or does not fit. */
bool str_to_i64(const char *s, int64_t *ret_v);

#endif
