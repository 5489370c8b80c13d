-- SPDX-License-Identifier: Apache-2.0
-- control.db, version 3: jobs whose data are kept whatever their age (controller/store/store.h:
-- struct store_pin), and the indexes by which old rows are found.

CREATE TABLE pins (
	id INTEGER PRIMARY KEY CHECK (id > 0), -- the job's
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE INDEX leases_by_end ON leases (ended_ms);
