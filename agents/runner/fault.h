/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault a crash or a hang is. While the runtime's library is opened and started no model is in
 * sight, so a crash there says that the library is damaged or not for this device: it is reported as
 * that, and the process then dies of the signal as it would have; a library that does not come back
 * ends the same way, by SIGALRM. Behind fault_unwatch() a crash or a hang is the model's result, which
 * the agent reports. Uses the process's interval timer meanwhile. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_FAULT_H
#define FRAMEFARM_RUNNER_FAULT_H

#include <stdint.h>

#include "report.h"

/* `patience_ms`: how long opening may take, real time, less than the agent's own patience; 0: for ever. */
void fault_watch(struct report *report, uint32_t patience_ms);
void fault_unwatch(void);

#endif
