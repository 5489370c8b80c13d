/* SPDX-License-Identifier: Apache-2.0 */
/* An example of the daemon's configuration file, made from the table of its options. */
#ifndef FRAMEFARM_CMD_CONFFILE_H
#define FRAMEFARM_CMD_CONFFILE_H

#include <stdio.h>

/* Every key with what it means, commented out: as it is, the file changes nothing. */
void conffile_print(FILE *f);

#endif
