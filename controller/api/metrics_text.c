/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text; see metrics.h. https://prometheus.io/docs/specs/om/open_metrics_spec/ */
#include "api/metrics.h"

#include <inttypes.h>
#include <string.h>

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
