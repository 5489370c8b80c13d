/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts of the kernel; see text.h. */
#include "agent/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CPUS_MAX 4096

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int text_int_end(const char *s, int64_t *ret_v, const char **ret_end)
{
	uint64_t v = 0, max;
	bool negative;

	while (*s == ' ' || *s == '\t')
		s++;
	negative = *s == '-';
	s += *s == '-' || *s == '+';
	max = (uint64_t)INT64_MAX + negative;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned digit = *s - '0';

		if (v > (max - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	*ret_v = negative ? (int64_t)(0 - v) : (int64_t)v;
	*ret_end = s;
	return 0;
}

int text_int(const char *s, int64_t *ret_v)
{
	const char *end;
	int64_t v;
	int rc = text_int_end(s, &v, &end);

	if (rc)
		return rc;
	if (*end && !is_blank(*end))
		return -EINVAL;
	*ret_v = v;
	return 0;
}

void text_trim(char *s)
{
	size_t n = strlen(s);

	while (n && is_blank(s[n - 1]))
		s[--n] = '\0';
}

void text_name(char *dst, size_t size, const char *src)
{
	static const char legal[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = 0;

	for (; *src && n + 1 < size; src++)
		dst[n++] = strchr(legal, *src) ? *src : '_';
	dst[n] = '\0';
}

const char *text_next_line(const char *s)
{
	const char *nl = strchr(s, '\n');

	return nl && nl[1] ? nl + 1 : NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int text_compare(const char *a, const char *b)
{
	while (*a && (*a == *b || (is_digit(*a) && is_digit(*b)))) {
		size_t n = 0, m = 0;
		int first = 0;

		if (!is_digit(*a)) {
			a++, b++;
			continue;
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		for (; is_digit(a[n]) && is_digit(b[n]); n++)
			first = first ? first : a[n] - b[n];
		for (m = n; is_digit(b[m]); m++)
			;
		if (is_digit(a[n]) || m > n)
			return m > n ? -1 : 1; /* the longer number is the larger one */
		if (first)
			return first;
		a += n;
		b += n;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int text_cpu_count(const char *list)
{
	int64_t from, to, n = 0;

	do {
		if (text_int_end(list, &from, &list) || from < 0)
			return -EINVAL;
		to = from;
		if (*list == '-' && (text_int_end(list + 1, &to, &list) || to < from))
			return -EINVAL;
		n += to - from + 1;
		if (n > CPUS_MAX)
			return -EINVAL;
	} while (*list++ == ',');
	return n;
}
