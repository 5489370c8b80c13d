/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault a crash is. While the runtime's library is opened and started no model is in sight, so
 * a crash there says that the library is damaged or not for this device: it is reported as that,
 * and the process then dies of the signal as it would have. Behind fault_unwatch() a crash is the
 * model's result, which the agent reports. Main thread.
 */
#ifndef FRAMEFARM_RUNNER_FAULT_H
#define FRAMEFARM_RUNNER_FAULT_H

#include "report.h"

void fault_watch(struct report *report);
void fault_unwatch(void);

#endif
