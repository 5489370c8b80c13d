-- SPDX-License-Identifier: Apache-2.0
-- control.db, version 1: what the core keeps, one table for each struct of controller/core/rows.h,
-- whose comments say what the columns mean. Times are wall-clock milliseconds, 0 for "not yet".
-- A reference that may be "none" is stored as 0 and is therefore no foreign key. The two that are
-- always there are deferred, so the order of rows within a transaction does not matter.

CREATE TABLE meta (
	key TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	key TEXT NOT NULL,
	driver TEXT NOT NULL,
	host_id TEXT NOT NULL,
	name TEXT NOT NULL,
	model TEXT NOT NULL,
	abi TEXT NOT NULL,
	os TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	agent_uuid TEXT NOT NULL,
	attrs TEXT,
	counters TEXT,
	caps INTEGER NOT NULL,
	is_virtual INTEGER NOT NULL,
	state INTEGER NOT NULL,
	link INTEGER NOT NULL,
	need TEXT NOT NULL,
	failures INTEGER NOT NULL,
	rung INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	first_seen_ms INTEGER NOT NULL,
	last_seen_ms INTEGER NOT NULL,
	state_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_key ON devices (key);

CREATE TABLE leases (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	device INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	job INTEGER NOT NULL,
	slot INTEGER NOT NULL,
	state INTEGER NOT NULL,
	ending INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	for_ms INTEGER NOT NULL,
	asked_ms INTEGER NOT NULL,
	granted_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL,
	selector TEXT
) STRICT;
CREATE INDEX leases_by_device ON leases (device);
CREATE INDEX leases_by_state ON leases (state);

CREATE TABLE jobs (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	state INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	exit_code INTEGER NOT NULL,
	name TEXT NOT NULL,
	actor TEXT NOT NULL,
	branch TEXT NOT NULL,
	commit_id TEXT NOT NULL,
	labels TEXT,
	spec TEXT,
	spec_sha256 TEXT NOT NULL,
	idempotency_key TEXT NOT NULL,
	priority INTEGER NOT NULL,
	n_runs INTEGER NOT NULL,
	n_ended INTEGER NOT NULL,
	n_failed INTEGER NOT NULL,
	cancel_asked INTEGER NOT NULL,
	cause TEXT NOT NULL,
	submitted_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE INDEX jobs_by_branch ON jobs (branch);
CREATE INDEX jobs_by_idempotency_key ON jobs (idempotency_key);

CREATE TABLE runs (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	job INTEGER NOT NULL REFERENCES jobs (id) DEFERRABLE INITIALLY DEFERRED,
	variant INTEGER NOT NULL,
	slot INTEGER NOT NULL,
	pin INTEGER NOT NULL,
	device INTEGER NOT NULL,
	avoid INTEGER NOT NULL,
	state INTEGER NOT NULL,
	verdict INTEGER NOT NULL,
	failure INTEGER NOT NULL,
	exit_code INTEGER NOT NULL,
	round INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	retries INTEGER NOT NULL,
	variant_name TEXT NOT NULL,
	cause TEXT NOT NULL,
	result TEXT,
	queued_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_by_job ON runs (job);
CREATE INDEX runs_by_device ON runs (device);
CREATE INDEX runs_by_state ON runs (state);
CREATE INDEX runs_by_verdict ON runs (verdict);

CREATE TABLE attempts (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	run INTEGER NOT NULL REFERENCES runs (id) DEFERRABLE INITIALLY DEFERRED,
	job INTEGER NOT NULL,
	device INTEGER NOT NULL,
	lease INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	round INTEGER NOT NULL,
	state INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	failure INTEGER NOT NULL,
	counted INTEGER NOT NULL,
	spool INTEGER NOT NULL,
	cause TEXT NOT NULL,
	record TEXT,
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,
	ended_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_by_run ON attempts (run);
CREATE INDEX attempts_by_job ON attempts (job);

-- Given out and not yet done; a handful of rows.
CREATE TABLE actions (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	kind INTEGER NOT NULL,
	device INTEGER NOT NULL,
	lease INTEGER NOT NULL,
	run INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	arg INTEGER NOT NULL,
	issued_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	at_ms INTEGER NOT NULL,
	topic TEXT NOT NULL,
	subject INTEGER NOT NULL,
	job INTEGER NOT NULL,
	from_state TEXT NOT NULL,
	to_state TEXT NOT NULL,
	actor TEXT NOT NULL,
	cause TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_job ON events (job);

CREATE TABLE audit (
	id INTEGER PRIMARY KEY CHECK (id > 0),
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL
) STRICT;
