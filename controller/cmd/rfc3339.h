/* SPDX-License-Identifier: Apache-2.0 */
/* Times as the API writes them: "2026-01-31T12:34:56.789Z", always UTC. Any thread, no state. */
#ifndef FRAMEFARM_CMD_RFC3339_H
#define FRAMEFARM_CMD_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970; false for anything else, a fraction of other than three digits too. */
bool rfc3339_parse(const char *s, int64_t *ret_ms);

#endif
