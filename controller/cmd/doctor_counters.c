/* SPDX-License-Identifier: Apache-2.0 */
/* What can be observed on this host, and what would disturb a measurement; see doctor.h. */
#include "cmd/doctor.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTHING "" /* a virtual machine has no such counter, and nothing gives it one */

static int count(const char *pattern)
{
	glob_t g;
	int n = 0;

	if (!glob(pattern, 0, NULL, &g))
		n = (int)g.gl_pathc;
	globfree(&g);
	return n;
}

void doctor_clocks(struct doctor *d)
{
	int n = count("/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq");

	if (n)
		doctor_say(d, DOCTOR_OK, "", "the clocks of %d cores can be read", n);
	else
		doctor_say(d, DOCTOR_WARN, NOTHING,
			"no core's clock can be read (usual on a virtual machine): a slow run "
			"cannot be "
			"told from a slowed clock");
}

void doctor_governor(struct doctor *d)
{
	static const char pattern[] = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
	char first[64] = "", governor[64];
	int slow = 0;
	glob_t g;

	if (!glob(pattern, 0, NULL, &g)) {
		for (size_t i = 0; i < g.gl_pathc; i++) {
			if (paths_read_line(g.gl_pathv[i], governor, sizeof(governor), NULL) ||
				!strcmp(governor, "performance"))
				continue;
			if (!slow++)
				snprintf(first, sizeof(first), "%s", governor);
		}
	}
	if (slow)
		doctor_say(d, DOCTOR_WARN,
			"echo performance | sudo tee "
			"/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
			"%d cores have the governor %s: clocks follow the load, and so does "
			"latency",
			slow, first);
	else if (g.gl_pathc)
		doctor_say(d, DOCTOR_OK, "", "performance on every core");
	else
		doctor_say(d, DOCTOR_OK, "", "none: this host's clocks are not its own to set");
	globfree(&g);
}

void doctor_thermal(struct doctor *d)
{
	int zones = count("/sys/class/thermal/thermal_zone*/temp");
	int sensors = count("/sys/class/hwmon/hwmon*/temp*_input");

	if (zones + sensors)
		doctor_say(
			d, DOCTOR_OK, "", "%d thermal zones and %d other sensors", zones, sensors);
	else
		doctor_say(d, DOCTOR_WARN, NOTHING,
			"no temperature can be read (usual on a virtual machine): runs are "
			"labelled "
			"thermal=unobserved");
}

void doctor_power(struct doctor *d)
{
	int supplies = count("/sys/class/power_supply/*/type");

	if (supplies)
		doctor_say(d, DOCTOR_OK, "", "%d power supplies", supplies);
	else
		doctor_say(d, DOCTOR_WARN, NOTHING,
			"no battery and no supply can be read: energy is reported as unsupported");
}

/* A clock that is read through the kernel or a slow device costs more than the shortest inference. */
void doctor_timer(struct doctor *d)
{
	static const char dir[] = "/sys/devices/system/clocksource/clocksource0/";
	static const char *const fast[] = {"tsc", "arch_sys_counter", "kvm-clock",
		"hyperv_clocksource_tsc_page", "riscv_clocksource"};
	char path[PATHS_MAX], source[64] = "unknown";

	paths_join(path, dir, "current_clocksource");
	paths_read_line(path, source, sizeof(source), NULL);
	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
		if (!strcmp(fast[i], source)) {
			doctor_say(d, DOCTOR_OK, "", "%s", source);
			return;
		}
	}
	doctor_say(d, DOCTOR_WARN,
		"see /sys/devices/system/clocksource/clocksource0/available_clocksource",
		"the clock source is %s, which may be slow to read: short inferences look longer",
		source);
}

void doctor_load(struct doctor *d)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	double load = 0;

	if (getloadavg(&load, 1) != 1 || cores < 1)
		doctor_say(d, DOCTOR_WARN, "", "the load cannot be read");
	else if (load > (double)cores / 2)
		doctor_say(d, DOCTOR_WARN, "stop what else runs here: `top` shows it",
			"load %.2f on %ld cores: a local run competes for them", load, cores);
	else
		doctor_say(d, DOCTOR_OK, "", "load %.2f on %ld cores", load, cores);
}
