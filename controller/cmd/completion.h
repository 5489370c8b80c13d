/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for shells, made from the tables. */
#ifndef FRAMEFARM_CMD_COMPLETION_H
#define FRAMEFARM_CMD_COMPLETION_H

#include <stdio.h>

void completion_print_bash(FILE *f);
void completion_print_zsh(FILE *f);

#endif
