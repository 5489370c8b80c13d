/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of farm events that own what they point to, for the time an event waits for its turn. */
#ifndef FRAMEFARM_FARM_EVCOPY_H
#define FRAMEFARM_FARM_EVCOPY_H

#include "core/farm.h"

void evcopy_init(struct farm_event *dst, const struct farm_event *src);
void evcopy_fini(struct farm_event *ev);

#endif
