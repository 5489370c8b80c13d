/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons and foreign text; see fail.h. */
#include "fail.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLEAN_MAX  4096 /* of a foreign text, read at all */
#define CLEAN_HEAD 72   /* of a long text, kept from its begin */

int fail_set(struct fail *f, int outcome, const char *fmt, ...)
{
	va_list ap;

	f->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

int fail_wrap(struct fail *f, const char *fmt, ...)
{
	char old[FAIL_TEXT];
	va_list ap;
	size_t n;

	memcpy(old, f->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	n = strlen(f->text);
	snprintf(f->text + n, sizeof(f->text) - n, ": %s", old);
	return -1;
}

/* Returns the number of bytes of a terminal sequence (ESC [ … letter) at s, or 0. */
static size_t escape_len(const char *s)
{
	size_t n = 2;

	if (s[0] != '\033' || s[1] != '[')
		return 0;
	while (s[n] && !isalpha((unsigned char)s[n]))
		n++;
	return s[n] ? n + 1 : n;
}

static size_t squeeze(char dst[CLEAN_MAX], const char *src)
{
	size_t len = 0, skip;

	while (*src && len + 1 < CLEAN_MAX) {
		unsigned char c = *src;

		skip = escape_len(src);
		if (skip) {
			src += skip;
			continue;
		}
		src++;
		if (c >= 0x7f)
			c = '?';
		if (c <= ' ') {
			if (len && dst[len - 1] != ' ')
				dst[len++] = ' ';
			continue;
		}
		dst[len++] = c;
	}
	while (len && dst[len - 1] == ' ')
		len--;
	dst[len] = '\0';
	return len;
}

void text_clean(char *dst, size_t size, const char *src)
{
	char line[CLEAN_MAX];
	size_t len = squeeze(line, src), tail;

	if (len < size || size < CLEAN_HEAD + 16) {
		snprintf(dst, size, "%s", line);
		return;
	}
	tail = size - 1 - CLEAN_HEAD - strlen(" ... ");
	snprintf(dst, size, "%.*s ... %s", CLEAN_HEAD, line, line + len - tail);
}

void text_key(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; src[i] && i + 1 < size; i++) {
		unsigned char c = src[i];

		dst[i] = c < 0x80 && (isalnum(c) || strchr("_./:-", c)) ? c : '_';
	}
	dst[i] = '\0';
}
