/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the short texts that the kernel prints into /sys and /proc. Lines may end in CR LF or
 * trailing blanks; what is no number is an error, never 0. Pure.
 */
#ifndef FRAMEFARM_AGENT_TEXT_H
#define FRAMEFARM_AGENT_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The decimal number at s, which ends at a blank, the line's end or the text's. Returns 0, -EINVAL
 * for anything else (also hexadecimal and fractions), -ERANGE beyond int64. */
int text_int(const char *s, int64_t *ret_v);

/* Like text_int(), and gives the place behind the number. */
int text_int_end(const char *s, int64_t *ret_v, const char **ret_end);

/* Cuts blanks, CR and LF off the end, in place. */
void text_trim(char *s);

/* A name from foreign text: at most size - 1 bytes of [A-Za-z0-9._-], anything else made '_'. */
void text_name(char *dst, size_t size, const char *src);

/* The start of the next line, or NULL behind the last. */
const char *text_next_line(const char *s);

/* As strcmp(), but numbers in both count as numbers: "zone2" is before "zone10". */
int text_compare(const char *a, const char *b);

/* Number of CPUs in a list such as "0-3,5", or -EINVAL. At most 4096 are counted. */
int text_cpu_count(const char *list);

#endif
