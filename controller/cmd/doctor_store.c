/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon says of its store: quotas, logs, upkeep; see doctor.h. */
#include "cmd/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
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
	{"framefarm_store_damaged 1\n", "a file of the store is damaged",
		"the daemon's log says which; stop the daemon, keep a copy of the data directory, "
		"see "
		"what `framefarm store check` finds, then `framefarm restore` a backup"},
	{"framefarm_upkeep_failing 1\n", "removing what is old fails", "the daemon's log says why"},
	{"framefarm_backup_failed 1\n", "the last backup failed", "`framefarm backup` says why"},
};

static void say_when_checked(struct doctor *d, const char *metrics)
{
	static const char name[] = "\nframefarm_store_check_seconds ";
	const char *at = strstr(metrics, name);
	double s = at ? strtod(at + strlen(name), NULL) : 0;
	char text[25];

	if (s <= 0)
		return;
	clock_iso8601(text, (int64_t)(s * 1000));
	doctor_say(d, DOCTOR_OK, "", "the store was read through and found whole at %s", text);
}

void doctor_store(struct doctor *d, struct client *c)
{
	struct client_request rq = {.path = "/metrics", .once = true, .timeout_ms = 5000};
	struct fetch_reply r;
	struct err e = {0};

	fetch_reply_init(&r);
	if (!client_send(c, &rq, &r, &e)) {
		say_when_checked(d, buf_text(&r.body));
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
			if (strstr(buf_text(&r.body), signs[i].line))
				doctor_say(d, DOCTOR_WARN, signs[i].fix, "%s", signs[i].says);
	}
	fetch_reply_fini(&r);
}
