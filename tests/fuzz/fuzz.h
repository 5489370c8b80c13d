/* SPDX-License-Identifier: Apache-2.0 */
/* What targets share: a check that ends the program, and an input that is a script. */
#ifndef FRAMEFARM_TESTS_FUZZ_FUZZ_H
#define FRAMEFARM_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

struct input {
	const uint8_t *p;
	size_t n;
};

/* The next byte; 0 behind the end. */
static inline uint8_t take(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

/* A directory of one's own, in memory where there is such a place: what syncs files there is quick.
 * It is removed when the program ends. */
const char *fuzz_dir(const char *name); /* tmpdir.c */

#endif
