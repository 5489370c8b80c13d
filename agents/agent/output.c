/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner prints; see output.h. */
#include "agent/output.h"

#include <stdio.h>
#include <string.h>

#include "agent/record.h"

void output_init(struct output *o)
{
	memset(o, 0, sizeof(*o));
}

static void add_tail(struct output *o, const uint8_t *p, size_t n)
{
	if (n > OUTPUT_TAIL) {
		p += n - OUTPUT_TAIL;
		n = OUTPUT_TAIL;
	}
	while (n--) {
		o->tail[o->tail_at] = *p++;
		o->tail_at = (o->tail_at + 1) % OUTPUT_TAIL;
	}
}

void output_add(struct output *o, struct record *r, const void *data, size_t n)
{
	size_t head = OUTPUT_HEAD - o->head < n ? OUTPUT_HEAD - o->head : n;

	if (head)
		record_text(r, data, head);
	o->head += head;
	o->total += n;
	add_tail(o, data, n);
}

/* The tail in order, closed with NUL; returns its length. */
static size_t straighten(const struct output *o, char dst[OUTPUT_TAIL + 1])
{
	size_t n = o->total < OUTPUT_TAIL ? o->total : OUTPUT_TAIL;
	size_t from = (o->tail_at + OUTPUT_TAIL - n) % OUTPUT_TAIL;

	for (size_t i = 0; i < n; i++)
		dst[i] = o->tail[(from + i) % OUTPUT_TAIL];
	dst[n] = '\0';
	return n;
}

uint64_t output_finish(struct output *o, struct record *r)
{
	char tail[OUTPUT_TAIL + 1], note[96];
	uint64_t cut = o->total - o->head;
	size_t n = straighten(o, tail);

	if (!cut)
		return 0;
	if (n > cut) {
		memmove(tail, tail + n - cut, cut);
		n = cut;
	}
	record_text(r, note,
		snprintf(note, sizeof(note), "\n[framefarm: %llu bytes cut]\n",
			(unsigned long long)(cut - n)));
	record_text(r, tail, n);
	return cut - n;
}

bool output_mentions(const struct output *o, const char *const *words, unsigned n)
{
	char tail[OUTPUT_TAIL + 1];
	size_t len = straighten(o, tail);

	for (unsigned i = 0; i < n; i++)
		if (memmem(tail, len, words[i], strlen(words[i])))
			return true;
	return false;
}

void output_last_line(const struct output *o, char *dst, size_t size)
{
	char tail[OUTPUT_TAIL + 1];
	size_t end = straighten(o, tail), from, n = 0;

	while (end && (unsigned char)tail[end - 1] <= ' ')
		end--;
	for (from = end; from && tail[from - 1] != '\n'; from--)
		;
	for (; from < end && n + 1 < size; from++)
		dst[n++] = tail[from] >= ' ' && tail[from] < 0x7f ? tail[from] : '?';
	dst[n] = '\0';
}
