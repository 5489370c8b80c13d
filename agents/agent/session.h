/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the controller says, and what it is told: the messages of proto.h. Whoever says HELLO with
 * the secret becomes the controller; the one before is closed. A command's epoch is fenced; data,
 * acknowledgements and discards are not.
 */
#ifndef FRAMEFARM_AGENT_SESSION_H
#define FRAMEFARM_AGENT_SESSION_H

#include <stdint.h>

struct agent;
struct conn;

/* Handles the frames that a connection has. */
void session_take(struct agent *a, struct conn *c);

/* The lease, STATUS, and what the spools hold. */
void session_tick(struct agent *a, int64_t now_ns);
int64_t session_deadline(const struct agent *a);

#endif
