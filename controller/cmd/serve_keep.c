/* SPDX-License-Identifier: Apache-2.0 */
/* How long things are kept; see serve_keep.h. */
#include "cmd/serve_keep.h"

#define DAY_MS 86400000LL
#define KEEP(option, field, days, text)                                                            \
	{                                                                                          \
		.name = option, .type = OPTION_DURATION, .unit = "TIME", .max = 36500 * DAY_MS,    \
		.fallback = days, OPTION_AT(struct ctl_keep, field), .help = text                  \
	}

static const struct option_row rows[] = {
	KEEP("keep-samples", samples_ms, "30d",
		"how long raw values are kept behind their job's end; charts go on from one-second "
		"rollups. Results are kept for ever, and so is all of a pinned job; 0: for ever"),
	KEEP("keep-rollups", rollups_ms, "365d",
		"how long one-second rollups and the runners' text are kept; 0: for ever"),
	KEEP("keep-events", events_ms, "90d",
		"how long it is kept what happened to jobs, runs and devices; 0: for ever"),
	KEEP("keep-audit", audit_ms, "730d", "how long it is kept who did what; 0: for ever"),
	KEEP("keep-files", files_ms, "30d",
		"how long an uploaded file is kept behind its last use, when no job that has not "
		"ended, "
		"no pinned job and no runtime needs it; 0: for ever"),
	{.name = "keep-every",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 1000,
		.max = DAY_MS,
		.fallback = "1m",
		OPTION_AT(struct ctl_keep, every_ms),
		.help = "how often it is looked for what has been kept long enough"},
	{.name = "samples-max",
		.type = OPTION_BYTES,
		.unit = "BYTES",
		.max = 1LL << 50,
		.fallback = "0",
		OPTION_AT(struct ctl_keep, samples_max_bytes),
		.help = "quota of samples.db: beyond it the oldest values go, before their time; "
			"nothing of what runs or is pinned; 0: none"},
};

const struct option_table serve_keep_options = OPTION_TABLE(rows, struct ctl_keep);
