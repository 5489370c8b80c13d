/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded byte buffer; see buf.h. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void buf_fini(struct buf *b)
{
	mem_free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	size_t want = b->len + n + 1;

	if (want < n || (b->max && b->len + n > b->max))
		return NULL;
	if (want > b->cap) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap < want)
			cap *= 2;
		b->data = mem_realloc(b->data, cap, 1);
		b->cap = cap;
	}
	return b->data + b->len;
}

int buf_put(struct buf *b, const void *data, size_t n)
{
	uint8_t *p = buf_room(b, n);

	if (!p)
		return ERR_TOOBIG;
	if (n)
		memcpy(p, data, n);
	b->len += n;
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;
	uint8_t *p;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : buf_room(b, n);
	if (p) {
		vsnprintf((char *)p, n + 1, fmt, again);
		b->len += n;
	}
	va_end(again);
	return p ? 0 : ERR_TOOBIG;
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n)
		memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

const char *buf_text(struct buf *b)
{
	buf_room(b, 0);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
