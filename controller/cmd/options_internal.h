/* SPDX-License-Identifier: Apache-2.0 */
/* What the two readers of options (command line, configuration file) share; see options.h. */
#ifndef FRAMEFARM_CMD_OPTIONS_INTERNAL_H
#define FRAMEFARM_CMD_OPTIONS_INTERNAL_H

#include <stddef.h>

struct err;
struct option_row;
struct option_set;

/* Reads text into the row's field. Returns 0, ERR_INVAL or ERR_RANGE and a
 * sentence, to which the caller adds where the value stood. */
int option_set_value(
	struct option_set *set, const struct option_row *row, const char *text, struct err *e);
/* The row with this name of n bytes, or NULL. */
const struct option_row *option_by_name(const struct option_set *set, const char *name, size_t n);

#endif
