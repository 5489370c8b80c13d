-- SPDX-License-Identifier: Apache-2.0
-- control.db, version 2: where a device is, and who handed it to another tool.

ALTER TABLE devices ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN detached_by TEXT NOT NULL DEFAULT '';
