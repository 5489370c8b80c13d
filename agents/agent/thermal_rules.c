/* SPDX-License-Identifier: Apache-2.0 */
/* Habits of thermal zones; see thermal_rules.h. */
#include "agent/thermal_rules.h"

#include <stdlib.h>
#include <string.h>

/* Seen on Qualcomm SM8250 boards: "soc" is the battery's percentage, "*-vbat-*" mV, "*-ibat-*" mA,
 * "*-bcl-*" levels of the current limiter, "gpu-skin-avg-step" an index. */
static const char *const denied_parts[] = {
	"vbat",
	"ibat",
	"bcl",
	"vph",
	"cycle",
	"ocp",
	"vdroop",
	"smpl",
	"batoilo",
};
static const char *const denied_last_words[] = {"soc", "socd"};

/* Constants that stand for an absent sensor: MediaTek's mtktspa −127 °C, −40 °C, −274 °C fall below
 * the range already; 125 °C exactly is what an open thermistor gives. */
static const int64_t absent_mc[] = {125000};

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && !strcmp(s + n - k, tail);
}

bool thermal_is_denied(const char *type)
{
	const char *last = strrchr(type, '-');

	last = last ? last + 1 : type;
	for (size_t i = 0; i < sizeof(denied_last_words) / sizeof(denied_last_words[0]); i++)
		if (!strcmp(last, denied_last_words[i]))
			return true;
	for (size_t i = 0; i < sizeof(denied_parts) / sizeof(denied_parts[0]); i++)
		if (strstr(type, denied_parts[i]))
			return true;
	return ends_with(type, "-step");
}

bool thermal_is_plausible(int64_t mc)
{
	for (size_t i = 0; i < sizeof(absent_mc) / sizeof(absent_mc[0]); i++)
		if (mc == absent_mc[i])
			return false;
	return mc >= THERMAL_MIN_MC && mc <= THERMAL_MAX_MC;
}

int32_t thermal_guess_mul(int64_t raw)
{
	if (raw >= 1000 || raw <= -1000)
		return 1;
	return raw >= 200 || raw <= -200 ? 100 : 1000;
}

void thermal_family(char *dst, size_t size, const char *type)
{
	size_t n = 0;

	for (; *type && n + 1 < size; type++)
		if (*type < '0' || *type > '9')
			dst[n++] = *type;
	dst[n] = '\0';
}
