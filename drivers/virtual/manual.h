/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about the program, made from the tables of options and quirks and from the profiles. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_MANUAL_H
#define FRAMEFARM_DRIVERS_VIRTUAL_MANUAL_H

#include <stdio.h>

void manual_help(FILE *f); /* --help */
void manual_profiles(FILE *f);
void manual_quirks(FILE *f);
void manual_page(FILE *f); /* framefarm-phone(1), as roff */
/* shell: "bash" or "zsh". */
void manual_completion(FILE *f, const char *shell);

#endif
