-- SPDX-License-Identifier: Apache-2.0
-- control.db, version 3: jobs whose data are kept whatever their age (controller/store/store.h:
-- struct store_pin), and the indexes by which old rows are found.

CREATE TABLE pins (
	id INTEGER PRIMARY KEY CHECK (id > 0), -- the job's
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT NOT NULL
) STRICT;
-- How many ended how, for /metrics, without a look at the jobs themselves. (jobs_by_state stays: it has the
-- jobs of a state in their order.)
CREATE INDEX jobs_by_outcome ON jobs (state, verdict);
CREATE INDEX leases_by_end ON leases (ended_ms);
