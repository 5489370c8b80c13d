/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's command line: one table, from which the parser and --help come. The shared secret is
 * not among it, since anybody can read a process's arguments.
 */
#ifndef FRAMEFARM_AGENT_OPTS_H
#define FRAMEFARM_AGENT_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opts {
	const char *dir, *listen, *root, *clock_page, *log, *secret_file;
	int64_t runner_uid; /* -1: none given */
	int64_t spool_max;  /* bytes */
	bool foreground, help, version;
};

/* Fills in the defaults and what argv says; texts point into argv. Returns 0, or -1 and a
 * sentence. */
int opts_parse(struct opts *o, int argc, char *const argv[], char *why, size_t size);
void opts_print_help(void);

#endif
