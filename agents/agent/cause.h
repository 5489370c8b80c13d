/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a runner ended that did not say so itself, as an outcome and a sentence for people. Pure.
 */
#ifndef FRAMEFARM_AGENT_CAUSE_H
#define FRAMEFARM_AGENT_CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct death {
	int status;             /* as from waitpid() */
	const char *phase;      /* in which it happened */
	int64_t into_ns;        /* how long that phase had lasted */
	int64_t oom_kills;      /* by the kernel since the runner began; -1 when not known */
	int64_t memory_limit;   /* bytes; 0 for none */
	int64_t peak_rss;       /* bytes */
	bool speaks_of_memory;  /* its last words do */
	const char *last_words; /* its last line, or "" */
};

/* Returns an enum outcome. */
uint16_t cause_of_death(const struct death *d, char *cause, size_t size);

const char *cause_signal_name(int sig); /* "SIGSEGV"; "signal" for a number without a name */

#endif
