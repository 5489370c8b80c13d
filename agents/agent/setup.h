/* SPDX-License-Identifier: Apache-2.0 */
/* Building the agent's parts in their order, and taking them down again. Only for agent.c. */
#ifndef FRAMEFARM_AGENT_SETUP_H
#define FRAMEFARM_AGENT_SETUP_H

struct agent;

void setup_undo(struct agent *a);

#endif
