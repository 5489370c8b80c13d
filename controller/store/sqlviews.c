/* SPDX-License-Identifier: Apache-2.0 */
/* The views of `framefarm sql`: names instead of numbers, rows instead of chunks. Pure data. */
#include "store/sqlrows.h"

#define TIME(col)                                                                                  \
	"iif(" col " > 0, strftime('%Y-%m-%dT%H:%M:%fZ', " col " / 1000.0, 'unixepoch'), NULL)"
#define ORIGIN                                                                                     \
	"(SELECT min(o.t_first) FROM {s}.streams AS o WHERE o.attempt = st.attempt AND o.kind > 2" \
	" AND o.n_values > 0)"

const struct sqlrows_view sqlrows_views[] = {
	{"job", "jobs", "a job; pinned: why it is kept, or NULL",
		"SELECT j.id, j.name, framefarm_state('job', j.state) AS state,"
		" framefarm_state('verdict', j.verdict) AS verdict, j.exit_code, j.branch, "
		"j.commit_id,"
		" j.actor, j.n_runs, " TIME("j.submitted_ms") " AS submitted, " TIME(
			"j.ended_ms") " AS ended, j.cause, j.labels,"
				      " (SELECT iif(p.reason = '', 'yes', p.reason) FROM "
				      "{c}.pins AS p"
				      " WHERE p.id = j.id) AS pinned FROM {c}.jobs AS j"},
	{"run", "jobs", "one model variant on one device",
		"SELECT r.id, r.job, r.variant_name AS variant, d.name AS device, d.model "
		"AS device_model,"
		" framefarm_state('run', r.state) AS state, framefarm_state('verdict', "
		"r.verdict) AS"
		" verdict, framefarm_state('failure', r.failure) AS failure, r.exit_code, "
		"r.round,"
		" r.attempts, " TIME("r.started_ms") " AS started, " TIME(
			"r.ended_ms") " AS ended,"
				      " r.cause, r.result FROM {c}.runs AS r LEFT JOIN "
				      "{c}.devices AS d ON d.id = r.device"},
	{"attempt", "jobs", "one try of a run",
		"SELECT a.id, a.run, a.job, d.name AS device, framefarm_state('attempt', "
		"a.state) AS state,"
		" framefarm_state('failure', a.failure) AS failure, a.counted, "
		"a.round, " TIME("a.started_ms") " AS started, " TIME(
			"a.ended_ms") " AS ended, a.cause, a.record"
				      " FROM {c}.attempts AS a LEFT JOIN {c}.devices AS d "
				      "ON d.id = a.device"},
	{"device", "jobs", "a device",
		"SELECT id, name, model, framefarm_state('device', state) AS state, "
		"framefarm_state('link',"
		" link) AS link, driver, abi, os, is_virtual, need, " TIME(
			"last_seen_ms") " AS last_seen,"
					" attrs FROM {c}.devices"},
	{"event", "jobs", "what happened",
		"SELECT id, " TIME("at_ms") " AS at, topic, subject, job, from_state, "
					    "to_state, actor, cause"
					    " FROM {c}.events"},
	{"stream", "streams", "a series of an attempt, with what is kept of it",
		"SELECT st.attempt, st.name AS stream, framefarm_state('stream', st.kind) "
		"AS kind, st.unit,"
		" st.scale, st.source, st.budget_ns, st.n_values AS n, st.n_over AS "
		"over, " TIME("st.raw_removed_ms") " AS values_removed, " TIME(
			"st.rollups_removed_ms") " AS rollups_removed, st.id AS stream_id "
						 "FROM {s}.streams AS st WHERE st.kind > "
						 "2"},
	{"sample", "streams",
		"every value: t_ns from the attempt's first one, value in its unit, raw as "
		"it is stored",
		"SELECT st.attempt, st.name AS stream, v.t - " ORIGIN " AS t_ns,"
		" iif(st.scale > 1, v.v / (st.scale * 1.0), v.v) AS value, st.unit,"
		" st.budget_ns > 0 AND v.v > st.budget_ns AS over, v.v AS raw, v.t AS "
		"mono_ns, c.late"
		" FROM {s}.streams AS st CROSS JOIN {s}.chunks AS c ON c.stream = st.id "
		"CROSS JOIN"
		" framefarm_values(c.data) AS v WHERE st.kind > 2"},
	{"second", "streams",
		"one-second rollups: what charts are made of, kept longer than values. A "
		"second that two chunks"
		" share comes twice",
		"SELECT st.attempt, st.name AS stream, s.second, s.n, s.over, s.min, "
		"s.max, s.mean, s.first,"
		" s.last, st.unit, st.scale FROM {s}.streams AS st CROSS JOIN (SELECT "
		"stream, seq, seconds"
		" FROM {s}.chunks UNION ALL SELECT stream, seq, seconds FROM {s}.aged) AS "
		"c ON c.stream ="
		" st.id CROSS JOIN framefarm_seconds(c.seconds) AS s WHERE st.kind > 2"},
	{"fact", "streams", "a fact that agent or runner stated",
		"SELECT attempt, key, coalesce(text, i, f) AS value, t AS mono_ns FROM "
		"{s}.facts"},
	{0},
};
