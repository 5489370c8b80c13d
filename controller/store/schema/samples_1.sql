-- SPDX-License-Identifier: Apache-2.0
-- samples.db, version 1: what attempts measured. Written by the sample writer alone. Times are the
-- device's monotonic nanoseconds.

CREATE TABLE meta (
	key TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each declared stream of an attempt (agents/msg.h: struct msg_decl, enum stream_kind).
-- mark is the sequence number of the last chunk stored; resends are recognised by it.
CREATE TABLE streams (
	id INTEGER PRIMARY KEY,
	attempt INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	boot INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	name TEXT NOT NULL,
	unit TEXT NOT NULL,
	scale INTEGER NOT NULL,
	source TEXT NOT NULL,
	budget_ns INTEGER NOT NULL,
	period_ns INTEGER NOT NULL,
	mark INTEGER NOT NULL,
	n_values INTEGER NOT NULL, -- pairs; facts; bytes of text
	n_over INTEGER NOT NULL,   -- values above budget_ns, where that is not 0
	t_first INTEGER NOT NULL,  -- least and greatest time of all pairs
	t_last INTEGER NOT NULL,
	UNIQUE (attempt, stream, boot)
) STRICT;

-- Packed pairs (agents/chunk.h) or text, as they came. Rows are appended in the order of arrival:
-- a key that groups them by stream would rewrite one page for each stream in each commit.
CREATE TABLE chunks (
	id INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL REFERENCES streams (id),
	seq INTEGER NOT NULL,
	n INTEGER NOT NULL,
	late INTEGER NOT NULL,    -- 1: came after the lease had ended
	t_first INTEGER NOT NULL, -- least and greatest time within; of text: offsets of its first
	t_last INTEGER NOT NULL,  -- and last byte in the whole text
	seconds BLOB NOT NULL,    -- packed one-second rollups (controller/store/rollup.h)
	data BLOB NOT NULL
) STRICT;
-- Finds the chunks of a stretch of time without touching the rows of the others.
CREATE INDEX chunks_by_stream ON chunks (stream, seq, t_first, t_last);

CREATE TABLE facts (
	id INTEGER PRIMARY KEY,
	attempt INTEGER NOT NULL,
	stream INTEGER NOT NULL REFERENCES streams (id),
	t INTEGER NOT NULL,
	key TEXT NOT NULL,
	kind INTEGER NOT NULL,    -- enum fact_kind
	i INTEGER,                -- the one that kind names; f is NULL for "not a number"
	f REAL,
	text TEXT
) STRICT;
CREATE INDEX facts_by_attempt ON facts (attempt);
