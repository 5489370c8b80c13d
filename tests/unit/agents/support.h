/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of agents/ share: cmocka with what it needs, and numbers that look random but are
 * the same each time. */
#ifndef FRAMEFARM_TESTS_AGENTS_SUPPORT_H
#define FRAMEFARM_TESTS_AGENTS_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* xorshift64* (Vigna 2016); the state must not be 0. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

#endif
