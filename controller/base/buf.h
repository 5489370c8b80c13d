/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer with a bound. Growth beyond `max` is refused with ERR_TOOBIG and leaves the
 * contents as they were; memory that is out aborts. One owner, no locking.
 */
#ifndef FRAMEFARM_BASE_BUF_H
#define FRAMEFARM_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max; /* 0: no bound but memory */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b); /* leaves an empty, usable buffer */
int buf_put(struct buf *b, const void *data, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for n more bytes and returns where they go; NULL when the bound forbids it. The caller
 * adds what it wrote to b->len. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_drop(struct buf *b, size_t n); /* removes the first n bytes */
/* The contents as text (a NUL is kept behind them); valid until the next change. */
const char *buf_text(struct buf *b);

#endif
