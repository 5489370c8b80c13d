/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text; see metrics.h. https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#include "api/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define PREFIX "framefarm_"

void metric(struct buf *b, const char *name, const char *type, const char *help, const char *unit)
{
	buf_printf(b, "# TYPE " PREFIX "%s %s\n", name, type);
	if (unit)
		buf_printf(b, "# UNIT " PREFIX "%s %s\n", name, unit);
	buf_printf(b, "# HELP " PREFIX "%s %s\n", name, help);
}

static const char *suffix(const char *type)
{
	return strcmp(type, "counter") ? "" : "_total";
}

void metric_i(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
	metric(b, name, type, help, NULL);
	buf_printf(b, PREFIX "%s%s %" PRId64 "\n", name, suffix(type), v);
}

void metric_f(struct buf *b, const char *name, const char *type, const char *help, const char *unit,
	double v)
{
	metric(b, name, type, help, unit);
	buf_printf(b, PREFIX "%s%s %.3f\n", name, suffix(type), v);
}

void metric_number(struct buf *b, double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.9g", v);
	buf_printf(b, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

void metric_escape(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_puts(b, "\\n");
		else if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else
			buf_put(b, s, 1);
	}
}

/* ---- the older format ---- */

/* "# TYPE name type": the family's name there and its type, as the older format has them. */
struct family {
	char name[128];
	const char *suffix; /* of its name, there */
};

static void put_line(struct buf *b, const char *line, size_t n)
{
	buf_put(b, line, n);
	buf_puts(b, "\n");
}

static void begin_family(struct buf *b, const char *line, size_t n, struct family *f)
{
	char type[16];

	if (sscanf(line, "# TYPE %127s %15s", f->name, type) != 2) {
		put_line(b, line, n);
		return;
	}
	f->suffix = !strcmp(type, "counter") ? "_total" : !strcmp(type, "info") ? "_info" : "";
	buf_printf(
		b, "# TYPE %s%s %s\n", f->name, f->suffix, strcmp(type, "info") ? type : "gauge");
}

void metrics_to_classic(struct buf *dst, const char *text)
{
	struct family f = {"", ""};
	const char *next;

	for (const char *line = text; *line; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + (line[n] == '\n');
		if (!strncmp(line, "# TYPE ", 7))
			begin_family(dst, line, n, &f);
		else if (!strncmp(line, "# HELP ", 7))
			buf_printf(dst, "# HELP %s%s%.*s\n", f.name, f.suffix,
				(int)(n - 7 - strlen(f.name)), line + 7 + strlen(f.name));
		else if (line[0] != '#')
			put_line(dst, line, n);
	}
}

/* ---- which of them ---- */

/* Thousandths of the q that a media range gives itself; 1000 without one. */
static int quality(const char *range, size_t n)
{
	const char *q = memmem(range, n, ";q=", 3);

	if (!q)
		q = memmem(range, n, "; q=", 4);
	return q ? (int)(strtod(strchr(q, '=') + 1, NULL) * 1000 + 0.5) : 1000;
}

static bool is_range(const char *range, size_t n, const char *name)
{
	size_t len = strlen(name);

	return n >= len && !strncasecmp(range, name, len) &&
	       (n == len || strchr(" ;", range[len]) != NULL);
}

enum metrics_format metrics_accepted(const char *accept)
{
	int open = -1, classic = -1, any = -1;

	for (const char *at = accept ? accept : "*/*"; *at;) {
		size_t n;
		int q;

		at += strspn(at, " \t,");
		n = strcspn(at, ",");
		q = quality(at, n);
		if (is_range(at, n, "application/openmetrics-text"))
			open = q;
		else if (is_range(at, n, "text/plain") || is_range(at, n, "text/*"))
			classic = q;
		else if (is_range(at, n, "*/*"))
			any = q;
		at += n;
	}
	open = open < 0 ? any : open;
	classic = classic < 0 ? any : classic;
	if (open <= 0 && classic <= 0)
		return METRICS_NEITHER;
	return open >= classic ? METRICS_OPEN : METRICS_CLASSIC;
}
