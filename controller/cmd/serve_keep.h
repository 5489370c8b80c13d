/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `framefarm serve`: how long things are kept. */
#ifndef FRAMEFARM_CMD_SERVE_KEEP_H
#define FRAMEFARM_CMD_SERVE_KEEP_H

#include "cmd/options.h"
#include "farm/ctl.h"

/* Its values are a struct ctl_keep. */
extern const struct option_table serve_keep_options;

#endif
