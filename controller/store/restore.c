/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory out of a backup; see backup.h. */
#include "store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "store/db.h"
#include "store/dirlock.h"
#include "store/disk.h"
#include "store/gap.h"
#include "store/schema.h"
#include "store/store.h"

/* What a restored directory takes the place of. Tokens and keys stay. The control file first: without it
 * the rest does not start. */
static const char *const parts[] = {"control.db", "control.db-wal", "control.db-shm", "samples.db",
	"samples.db-wal", "samples.db-shm", "files", "runtimes.json"};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static bool is_there(const char *data, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return !disk_path(path, data, name, NULL) && !lstat(path, &st);
}

static int refuse_what_is_there(const char *data, struct err *e)
{
	for (size_t i = 0; i < N_PARTS; i++)
		if (is_there(data, parts[i]))
			return err_set(e, ERR_EXISTS,
				"%s has a %s: name an empty directory, or give --replace to move "
				"what is"
				" there aside",
				data, parts[i]);
	return 0;
}

static int move_aside(const char *data, int64_t now_ms, char *replaced, size_t size, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX];
	bool any = false;

	for (size_t i = 0; i < N_PARTS && !any; i++)
		any = is_there(data, parts[i]);
	if (!any)
		return 0;
	snprintf(replaced, size, "%s/replaced-%lld", data, (long long)now_ms);
	if (mkdir(replaced, 0700))
		return err_errno(e, errno, "%s cannot be made", replaced);
	for (size_t i = 0; i < N_PARTS; i++) {
		int rc;

		if (!is_there(data, parts[i]))
			continue;
		if ((rc = disk_path(from, data, parts[i], e)) ||
			(rc = disk_path(to, replaced, parts[i], e)))
			return rc;
		if (rename(from, to))
			return err_errno(e, errno, "%s cannot be moved aside", from);
	}
	return disk_sync_dir(data, e);
}

/* ---- the backup, before anything is touched ---- */

static const struct manifest_file *find(const struct manifest *m, const char *path)
{
	for (int i = 0; i < m->n; i++)
		if (!strcmp(m->files[i].path, path))
			return &m->files[i];
	return NULL;
}

static int check_backup(const char *dir, struct manifest *m, struct err *e)
{
	int rc = manifest_read(m, dir, e);

	if (rc)
		return rc;
	if (!find(m, "control.db") || !find(m, "samples.db"))
		return err_set(e, ERR_CORRUPT,
			"the backup is damaged: it names no control.db or samples.db");
	if (m->control_schema > STORE_SCHEMA_CONTROL || m->samples_schema > STORE_SCHEMA_SAMPLES)
		return err_set(e, ERR_VERSION,
			"the backup was made by framefarm %s, whose schema this one does not know: "
			"restore"
			" it with that one",
			m->framefarm);
	rc = manifest_check(m, dir, e);
	if (!rc)
		rc = backup_check_file(dir, "control.db", e);
	return rc ? rc : backup_check_file(dir, "samples.db", e);
}

/* ---- into place ---- */

static int leave_gap(const char *data, int64_t made_ms, int64_t now_ms, struct err *e)
{
	struct db db;
	int rc = db_open_file(&db, data, "control.db", SQLITE_OPEN_READWRITE, e);

	if (rc)
		return rc;
	rc = gap_leave(&db, made_ms, now_ms, e);
	db_close(&db);
	return rc;
}

struct copying {
	backup_progress_fn *progress;
	void *arg;
	const char *path;
	int64_t done, all;
};

static bool go_on(void *arg)
{
	struct copying *c = arg;

	return c->progress(c->arg, c->path, c->done, c->all);
}

static int copy_all(const char *dir, const char *data, const struct manifest *m, struct copying *c,
	struct err *e)
{
	int rc = 0;

	for (int i = 0; i < m->n; i++)
		c->all += m->files[i].bytes;
	for (int i = 0; i < m->n && !rc; i++) {
		const struct manifest_file *f = &m->files[i];

		c->path = f->path;
		if (strcmp(f->path, "control.db"))
			rc = disk_copy(dir, data, f->path,
				strncmp(f->path, "files/", 6) ? 0600 : 0444, go_on, c, e);
		c->done += f->bytes;
	}
	return rc;
}

static int put_control(const char *dir, const char *data, int64_t made_ms, int64_t now_ms,
	struct copying *c, struct err *e)
{
	char from[PATH_MAX], to[PATH_MAX], sub[PATH_MAX];
	int rc = disk_path(sub, data, "restoring", e);

	c->path = "control.db";
	if (!rc)
		rc = disk_copy(dir, sub, "control.db", 0600, go_on, c, e);
	if (!rc)
		rc = leave_gap(sub, made_ms, now_ms, e);
	if (!rc)
		rc = disk_path(from, sub, "control.db", e);
	if (!rc)
		rc = disk_path(to, data, "control.db", e);
	if (!rc && (disk_sync_dir(data, e) || rename(from, to)))
		rc = err_errno(e, errno, "%s cannot be put in place", to);
	rmdir(sub);
	return rc ? rc : disk_sync_dir(data, e);
}

int restore_store(const char *dir, const char *data, bool replace, int64_t now_ms,
	struct restore_result *ret_r, backup_progress_fn *progress, void *arg, struct err *e)
{
	struct copying c = {.progress = progress, .arg = arg};
	int lock = -1, rc;

	memset(ret_r, 0, sizeof(*ret_r));
	rc = check_backup(dir, &ret_r->manifest, e);
	if (rc)
		return rc;
	if (mkdir(data, 0700) && errno != EEXIST)
		return err_errno(e, errno, "%s cannot be made", data);
	lock = dirlock_take(data, e);
	if (lock < 0)
		return lock;
	rc = replace ? move_aside(data, now_ms, ret_r->replaced, sizeof(ret_r->replaced), e)
	             : refuse_what_is_there(data, e);
	if (!rc)
		rc = copy_all(dir, data, &ret_r->manifest, &c, e);
	if (!rc)
		rc = put_control(dir, data, ret_r->manifest.made_ms, now_ms, &c, e);
	dirlock_drop(lock);
	return rc;
}
