/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the device is charging: what latencies are compared within. From the power supplies'
 * type, status and online files (Documentation/power/power_supply_class.rst).
 */
#ifndef FRAMEFARM_AGENT_CHARGE_H
#define FRAMEFARM_AGENT_CHARGE_H

struct root;

/* "mains" (no battery at all), "charging", "discharging", "full", "not_charging", or "unknown". */
const char *charge_class(const struct root *root);

#endif
