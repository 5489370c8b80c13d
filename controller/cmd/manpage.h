/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page framefarm(1), made from the tables. */
#ifndef FRAMEFARM_CMD_MANPAGE_H
#define FRAMEFARM_CMD_MANPAGE_H

#include <stdio.h>

void manpage_print(FILE *f); /* roff with man(7)'s macros */

#endif
