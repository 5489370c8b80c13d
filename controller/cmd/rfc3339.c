/* SPDX-License-Identifier: Apache-2.0 */
/* Times of the API; see rfc3339.h. */
#include "cmd/rfc3339.h"

#include <string.h>
#include <time.h>

/* 'd' stands for a digit. */
static bool has_shape(const char *s, const char *shape)
{
	for (; *shape; s++, shape++)
		if (*shape == 'd' ? *s < '0' || *s > '9' : *s != *shape)
			return false;
	return !*s;
}

static int number(const char *s, int n)
{
	int v = 0;

	while (n--)
		v = v * 10 + (*s++ - '0');
	return v;
}

bool rfc3339_parse(const char *s, int64_t *ret_ms)
{
	struct tm tm = {0}, same;
	time_t t;

	if (!has_shape(s, "dddd-dd-ddTdd:dd:dd.dddZ"))
		return false;
	tm.tm_year = number(s, 4) - 1900;
	tm.tm_mon = number(s + 5, 2) - 1;
	tm.tm_mday = number(s + 8, 2);
	tm.tm_hour = number(s + 11, 2);
	tm.tm_min = number(s + 14, 2);
	tm.tm_sec = number(s + 17, 2);
	same = tm;
	t = timegm(&same);
	/* timegm() carries what is out of range; such a text was no time. */
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday || same.tm_hour != tm.tm_hour ||
		same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec)
		return false;
	*ret_ms = (int64_t)t * 1000 + number(s + 20, 3);
	return true;
}
