/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon says of its store: quotas, logs, upkeep; see doctor.h. */
#include "cmd/doctor.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"

struct sign {
	const char *line; /* of /metrics */
	const char *says, *fix;
};

static const struct sign signs[] = {
	{"framefarm_samples_over_quota 1\n",
		"samples.db is over its quota, and what is left is running or pinned",
		"raise --samples-max of serve, or `framefarm job unpin` what need not be kept"},
	{"framefarm_db_wal_pinned{file=\"control\"} 1\n",
		"another program reads control.db without end: its log grows",
		"end it; `fuser -v control.db` in the data directory names it"},
	{"framefarm_db_wal_pinned{file=\"samples\"} 1\n",
		"another program reads samples.db without end: its log grows",
		"end it; `fuser -v samples.db` in the data directory names it"},
	{"framefarm_upkeep_failing 1\n", "removing what is old fails", "the daemon's log says why"},
	{"framefarm_backup_failed 1\n", "the last backup failed", "`framefarm backup` says why"},
};

void doctor_store(struct doctor *d, struct client *c)
{
	struct client_request rq = {.path = "/metrics", .once = true, .timeout_ms = 5000};
	struct fetch_reply r;
	struct err e = {0};

	fetch_reply_init(&r);
	if (!client_send(c, &rq, &r, &e))
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			if (strstr(buf_text(&r.body), signs[i].line))
				doctor_say(d, DOCTOR_WARN, signs[i].fix, "%s", signs[i].says);
	fetch_reply_fini(&r);
}
