/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the store's two files while they are written, and the way back. A copy is made by the writer's
 * own connection, some pages between two commits: no reader pins the log meanwhile, a commit changes the
 * copy too, and the copy is of the moment in which it ends. (With another connection SQLite would begin
 * anew at each commit, or pin the log for as long as it takes.)
 *
 * The control file comes first: what it says is stored, is in the samples that are copied after it. What
 * attempts it does not know left there is taken out of the copy, since their ids will be given again.
 *
 * Blocks; pool threads and the CLI.
 */
#ifndef FRAMEFARM_STORE_BACKUP_H
#define FRAMEFARM_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/manifest.h"

struct err;
struct store;

/* Told after each piece; false ends it with ERR_CANCELLED. */
typedef bool backup_progress_fn(void *arg, const char *what, int64_t done_bytes, int64_t of_bytes);

/* Puts control.db and samples.db into dir, each checked as a whole, and into the manifest. */
int backup_store(struct store *s, const char *dir, struct manifest *m, backup_progress_fn *progress,
	void *arg, struct err *e);

/* PRAGMA integrity_check and foreign_key_check of dir/name, and what framefarm's files must be besides.
 * ERR_CORRUPT, ERR_VERSION (a newer schema), ERR_NOTFOUND. */
int backup_check_file(const char *dir, const char *name, struct err *e);

struct restore_result {
	struct manifest manifest; /* the caller's to manifest_fini() */
	char replaced[4096];      /* where what was there is now; "" for nothing */
};

/*
 * Makes data the data directory that the backup in dir was of: checks all of the backup first, then puts
 * control.db in place last, so that what was cut short does not start. ERR_BUSY: a daemon has it.
 * ERR_EXISTS: there is something in it, and replace is false; with replace it is moved to a directory
 * below. now_ms: wall clock. Ids that the lost store may have given since the backup are left out (gap.h).
 */
int restore_store(const char *dir, const char *data, bool replace, int64_t now_ms,
	struct restore_result *ret_r, backup_progress_fn *progress, void *arg, struct err *e);

#endif
