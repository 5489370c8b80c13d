-- SPDX-License-Identifier: Apache-2.0
-- samples.db, version 3: whether a stream's chunks follow each other in time, so that none begins before
-- the one before it ends. Then those of a stretch of time follow each other too, and are found by halving.

ALTER TABLE streams ADD COLUMN ordered INTEGER NOT NULL DEFAULT 0;

-- Of a stream whose values were being removed, chunks lie in both tables: it is looked through as it was.
UPDATE streams SET ordered = 1 WHERE NOT (raw_removed_ms > 0 AND kept = 2) AND id NOT IN (
	SELECT stream FROM (SELECT stream, t_first < lag(t_last) OVER of_stream AS back FROM chunks
		WINDOW of_stream AS (PARTITION BY stream ORDER BY seq)) WHERE back
	UNION ALL
	SELECT stream FROM (SELECT stream, t_first < lag(t_last) OVER of_stream AS back FROM aged
		WINDOW of_stream AS (PARTITION BY stream ORDER BY seq)) WHERE back);
