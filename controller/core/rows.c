/* SPDX-License-Identifier: Apache-2.0 */
/* The core's row tables and the names of its states; see rows.h. Pure data. */
#include "core/rows.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define I(f) ROW_COL_INT(device_row, f)
#define T(f) ROW_COL_TEXT(device_row, f)
#define L(f) ROW_COL_LONG(device_row, f)
static const struct row_col device_cols[] = {
	I(id),
	T(key),
	T(driver),
	T(host_id),
	T(name),
	T(model),
	T(abi),
	T(os),
	T(fingerprint),
	T(agent_uuid),
	T(place),
	T(detached_by),
	L(attrs),
	L(counters),
	I(caps),
	I(is_virtual),
	I(state),
	I(link),
	T(need),
	I(failures),
	I(rung),
	I(epoch),
	I(first_seen_ms),
	I(last_seen_ms),
	I(state_ms),
};
#undef I
#undef T
#undef L

#define I(f) ROW_COL_INT(lease_row, f)
#define T(f) ROW_COL_TEXT(lease_row, f)
#define L(f) ROW_COL_LONG(lease_row, f)
static const struct row_col lease_cols[] = {
	I(id),
	I(device),
	I(kind),
	I(job),
	I(slot),
	I(state),
	I(ending),
	I(epoch),
	I(priority),
	I(for_ms),
	I(asked_ms),
	I(granted_ms),
	I(expires_ms),
	I(ended_ms),
	T(actor),
	T(reason),
	L(selector),
};
#undef I
#undef T
#undef L

#define I(f) ROW_COL_INT(job_row, f)
#define T(f) ROW_COL_TEXT(job_row, f)
#define L(f) ROW_COL_LONG(job_row, f)
static const struct row_col job_cols[] = {
	I(id),
	I(state),
	I(verdict),
	I(exit_code),
	T(name),
	T(actor),
	T(branch),
	T(commit_id),
	L(labels),
	L(spec),
	T(spec_sha256),
	T(idempotency_key),
	I(priority),
	I(n_runs),
	I(n_ended),
	I(n_failed),
	I(cancel_asked),
	T(cause),
	I(submitted_ms),
	I(started_ms),
	I(ended_ms),
};
#undef I
#undef T
#undef L

#define I(f) ROW_COL_INT(run_row, f)
#define T(f) ROW_COL_TEXT(run_row, f)
#define L(f) ROW_COL_LONG(run_row, f)
static const struct row_col run_cols[] = {
	I(id),
	I(job),
	I(variant),
	I(slot),
	I(pin),
	I(device),
	I(avoid),
	I(state),
	I(verdict),
	I(failure),
	I(exit_code),
	I(round),
	I(attempts),
	I(retries),
	T(variant_name),
	T(cause),
	L(result),
	I(queued_ms),
	I(started_ms),
	I(ended_ms),
};
#undef I
#undef T
#undef L

#define I(f) ROW_COL_INT(attempt_row, f)
#define T(f) ROW_COL_TEXT(attempt_row, f)
#define L(f) ROW_COL_LONG(attempt_row, f)
static const struct row_col attempt_cols[] = {
	I(id),
	I(run),
	I(job),
	I(device),
	I(lease),
	I(epoch),
	I(round),
	I(state),
	I(outcome),
	I(failure),
	I(counted),
	I(spool),
	T(cause),
	L(record),
	I(created_ms),
	I(started_ms),
	I(ended_ms),
};
#undef I
#undef T
#undef L

#define I(f) ROW_COL_INT(action_row, f)
static const struct row_col action_cols[] = {
	I(id),
	I(kind),
	I(device),
	I(lease),
	I(run),
	I(attempt),
	I(arg),
	I(issued_ms),
};
#undef I

#define I(f) ROW_COL_INT(event_row, f)
#define T(f) ROW_COL_TEXT(event_row, f)
static const struct row_col event_cols[] = {
	I(id),
	I(at_ms),
	T(topic),
	I(subject),
	I(job),
	T(from_state),
	T(to_state),
	T(actor),
	T(cause),
};
#undef I
#undef T

#define I(f) ROW_COL_INT(audit_row, f)
#define T(f) ROW_COL_TEXT(audit_row, f)
static const struct row_col audit_cols[] = {
	I(id),
	I(at_ms),
	T(actor),
	T(action),
	T(object),
	T(detail),
};
#undef I
#undef T

#define TABLE(var, sql, type, cols)                                                                \
	const struct row_table var = {sql, sizeof(struct type), cols, COUNT(cols)}

TABLE(device_table, "devices", device_row, device_cols);
TABLE(lease_table, "leases", lease_row, lease_cols);
TABLE(job_table, "jobs", job_row, job_cols);
TABLE(run_table, "runs", run_row, run_cols);
TABLE(attempt_table, "attempts", attempt_row, attempt_cols);
TABLE(action_table, "actions", action_row, action_cols);
TABLE(event_table, "events", event_row, event_cols);
TABLE(audit_table, "audit", audit_row, audit_cols);

const struct row_table *const core_tables[] = {
	&device_table,
	&lease_table,
	&job_table,
	&run_table,
	&attempt_table,
	&action_table,
	&event_table,
	&audit_table,
	NULL,
};

static const char *name_of(const char *const *names, int n, int64_t i)
{
	return i >= 0 && i < n && names[i] ? names[i] : "unknown";
}

#define NAMES(fn, ...)                                                                             \
	const char *fn(int64_t i)                                                                  \
	{                                                                                          \
		static const char *const names[] = {__VA_ARGS__};                                  \
		return name_of(names, COUNT(names), i);                                            \
	}

NAMES(device_state_name, NULL, "absent", "detected", "identifying", "authorizing", "needs_human",
	"preparing", "ready", "leased", "busy", "cleaning", "cooling", "recovering", "quarantined",
	"retired", "service")
NAMES(device_link_name, NULL, "down", "up", "cut")
NAMES(lease_state_name, NULL, "waiting", "granted", "active", "releasing", "released", "expired",
	"revoked", "rejected")
NAMES(job_state_name, NULL, "queued", "running", "paused", "completed", "errored", "cancelled")
NAMES(run_state_name, NULL, "queued", "assigned", "staging", "running", "reattaching", "collecting",
	"completed", "errored", "cancelled", "timed_out")
NAMES(attempt_state_name, NULL, "staging", "started", "collecting", "stored", "done")
NAMES(verdict_name, "none", "pass", "fail", "inconclusive")
NAMES(failure_name, "none", "infrastructure", "cancelled", "timed_out", "unsatisfiable")
NAMES(action_kind_name, NULL, "identify", "prepare", "stage", "start", "stop", "judge", "clean",
	"recover", "discard", "expose", "unexpose", "collect", "detach", "attach", "install",
	"provision")
