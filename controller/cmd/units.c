/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units; see units.h. */
#include "cmd/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t size;
};

/* From the largest to the smallest: parsing a duration and printing one both walk down. */
static const struct unit times[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

static const struct unit sizes[] = {
	{"TiB", 1LL << 40},
	{"GiB", 1LL << 30},
	{"MiB", 1LL << 20},
	{"KiB", 1LL << 10},
	{"B", 1},
};

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const char *const digits = "0123456789";
static const char *const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Reads "<digits><letters>" at *p and moves *p behind it. */
static bool take(const char **p, int64_t *ret_n, char ret_unit[8])
{
	size_t n_digits = strspn(*p, digits), n_letters = strspn(*p + n_digits, letters);

	if (!n_digits || n_digits > 18 || n_letters >= 8)
		return false;
	*ret_n = 0;
	for (size_t i = 0; i < n_digits; i++)
		*ret_n = *ret_n * 10 + ((*p)[i] - '0');
	memcpy(ret_unit, *p + n_digits, n_letters);
	ret_unit[n_letters] = '\0';
	*p += n_digits + n_letters;
	return true;
}

bool units_parse_duration(const char *text, int64_t *ret_ms)
{
	int64_t sum = 0, n, part;
	int next = 0; /* the largest unit that may still come */
	char unit[8];

	if (!strcmp(text, "0")) {
		*ret_ms = 0;
		return true;
	}
	if (!*text)
		return false;
	while (*text) {
		if (!take(&text, &n, unit))
			return false;
		while (next < N(times) && strcmp(times[next].name, unit))
			next++;
		if (next == N(times) || __builtin_mul_overflow(n, times[next].size, &part) ||
			__builtin_add_overflow(sum, part, &sum))
			return false;
		next++;
	}
	*ret_ms = sum;
	return true;
}

void units_duration(char dst[UNITS_TEXT], int64_t ms)
{
	int n = 0;

	if (ms <= 0) {
		snprintf(dst, UNITS_TEXT, "0s");
		return;
	}
	for (int i = 0; i < N(times); i++) {
		if (ms < times[i].size)
			continue;
		n += snprintf(dst + n, UNITS_TEXT - n, "%" PRId64 "%s", ms / times[i].size,
			times[i].name);
		ms %= times[i].size;
	}
}

bool units_parse_bytes(const char *text, int64_t *ret_bytes)
{
	char unit[8];
	int64_t n;

	if (!take(&text, &n, unit) || *text)
		return false;
	if (!unit[0]) {
		*ret_bytes = n;
		return true;
	}
	for (int i = 0; i < N(sizes); i++)
		if (!strcmp(sizes[i].name, unit))
			return !__builtin_mul_overflow(n, sizes[i].size, ret_bytes);
	return false;
}

void units_bytes_exact(char dst[UNITS_TEXT], int64_t bytes)
{
	int i = 0;

	while (i < N(sizes) - 1 && (bytes < sizes[i].size || bytes % sizes[i].size))
		i++;
	snprintf(dst, UNITS_TEXT, "%" PRId64 "%s", bytes / sizes[i].size,
		sizes[i].size == 1 ? "" : sizes[i].name);
}

void units_bytes(char dst[UNITS_TEXT], int64_t bytes)
{
	int i = 0;

	while (i < N(sizes) - 1 && bytes < sizes[i].size)
		i++;
	if (sizes[i].size == 1)
		snprintf(dst, UNITS_TEXT, "%" PRId64 " B", bytes);
	else
		snprintf(dst, UNITS_TEXT, "%.1f %s", (double)bytes / (double)sizes[i].size,
			sizes[i].name);
}

void units_latency(char dst[UNITS_TEXT], int64_t ns)
{
	if (ns < 0)
		snprintf(dst, UNITS_TEXT, "-");
	else if (ns < 1000)
		snprintf(dst, UNITS_TEXT, "%" PRId64 " ns", ns);
	else if (ns < 1000000)
		snprintf(dst, UNITS_TEXT, "%.1f us", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(dst, UNITS_TEXT, "%.3f ms", ns / 1e6);
	else
		snprintf(dst, UNITS_TEXT, "%.3f s", ns / 1e9);
}

void units_budget(char dst[UNITS_TEXT], int64_t ns)
{
	if (ns < 0)
		snprintf(dst, UNITS_TEXT, "-");
	else
		snprintf(dst, UNITS_TEXT, "%.7g ms", ns / 1e6);
}
