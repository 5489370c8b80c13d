/* SPDX-License-Identifier: Apache-2.0 */
/* Help as text, made from the tables. */
#ifndef FRAMEFARM_CMD_USAGE_H
#define FRAMEFARM_CMD_USAGE_H

#include <stddef.h>
#include <stdio.h>

struct command;
struct option_row;

#define USAGE_LABEL_MAX 64
#define USAGE_TEXT_MAX  512

void usage_print_overview(FILE *f);
void usage_print_command(FILE *f, const struct command *c);

/* "-q, --quiet", "    --json=FILE". */
void usage_label(char dst[USAGE_LABEL_MAX], const struct option_row *row);
/* Words of text in lines of at most so many columns, `before` in front of each; an empty line stays. */
void usage_wrap(FILE *f, const char *text, const char *before, int columns);
/* The row's help with range and default behind it, as one sentence. */
void usage_text(char dst[USAGE_TEXT_MAX], const struct option_row *row);

#endif
