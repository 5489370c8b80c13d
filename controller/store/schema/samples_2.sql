-- SPDX-License-Identifier: Apache-2.0
-- samples.db, version 2: what was removed of a stream because of its age or the quota, and when
-- (wall-clock milliseconds, 0: it is there). kept says what there is to remove yet: 2 values and
-- rollups, 1 rollups, 0 neither. A time is set with the first chunk that is emptied, kept with the
-- last one, so a removal that was cut short is known and goes on.

ALTER TABLE streams ADD COLUMN raw_removed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN rollups_removed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN kept INTEGER NOT NULL DEFAULT 2;
CREATE INDEX streams_by_kept ON streams (kept, attempt) WHERE kept > 0;

-- What stays of a chunk whose values were removed. A table of its own, appended to: rows that shrink
-- where they are leave their pages half empty, and give no room back.
CREATE TABLE aged (
	id INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL REFERENCES streams (id),
	seq INTEGER NOT NULL,
	t_first INTEGER NOT NULL,
	t_last INTEGER NOT NULL,
	seconds BLOB NOT NULL
) STRICT;
CREATE INDEX aged_by_stream ON aged (stream, seq, t_first, t_last);
