/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner prints: the head of it is recorded as it comes, the rest is only counted, and the
 * last bytes are kept, since a runtime says why it dies with its last words. At the attempt's end
 * a note of what was cut, and those last bytes, follow the head.
 */
#ifndef FRAMEFARM_AGENT_OUTPUT_H
#define FRAMEFARM_AGENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_HEAD (64 * 1024)
#define OUTPUT_TAIL 4096

struct record;

struct output {
	uint64_t total;
	uint64_t head;             /* of them, recorded */
	uint32_t tail_at;          /* where the next byte goes */
	uint8_t tail[OUTPUT_TAIL]; /* a ring of the last bytes */
};

void output_init(struct output *o);
void output_add(struct output *o, struct record *r, const void *data, size_t n);
/* Records the note and the tail, if anything was cut; returns how many bytes were. */
uint64_t output_finish(struct output *o, struct record *r);

/* Whether the last bytes hold one of these words. */
bool output_mentions(const struct output *o, const char *const *words, unsigned n);
/* The last line that is not empty, printable, cut to size; "" for none. */
void output_last_line(const struct output *o, char *dst, size_t size);

#endif
