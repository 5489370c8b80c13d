/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's first message: who it is, what it can read, what it has. */
#ifndef FRAMEFARM_AGENT_WELCOME_H
#define FRAMEFARM_AGENT_WELCOME_H

#include <stdint.h>

struct agent;
struct conn;

void welcome_send(struct agent *a, struct conn *c, uint16_t version);

#endif
