/* SPDX-License-Identifier: Apache-2.0 */
/* A backup of a running farm; see backup.h. */
#include "farm/backup.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "farm/blobs.h"
#include "farm/runtimes.h"
#include "farm/wanted.h"
#include "store/backup.h"
#include "store/disk.h"
#include "store/store.h"

#define READER_WAIT_MS 20000

/* What is copied as it is, where it is there. */
static const char *const settings[] = {"runtimes.json", "devices/adb/addresses"};

struct backup {
	struct ctl_env env;
	const char *data_dir;
	struct store *store;
	struct blobs *blobs;
	struct runtimes *runtimes;
	bool busy;
	atomic_bool stopping;
	char farm_id[LIMIT_NAME];
	struct err err; /* of the work */

	pthread_mutex_t lock;
	struct ctl_backup state;
};

static bool progress(void *arg, const char *what, int64_t done_bytes, int64_t of_bytes)
{
	struct backup *b = arg;

	pthread_mutex_lock(&b->lock);
	str_copy(b->state.what, sizeof(b->state.what), what);
	b->state.done_bytes = done_bytes;
	b->state.of_bytes = of_bytes;
	pthread_mutex_unlock(&b->lock);
	return !b->stopping;
}

/* ---- what is not the store's ---- */

struct files {
	struct backup *b;
	struct manifest *m;
	struct err *err;
};

static bool go_on(void *arg)
{
	return !((struct backup *)arg)->stopping;
}

static int add_file(
	struct backup *b, const char *path, unsigned mode, struct manifest *m, struct err *e)
{
	int rc = disk_copy(b->data_dir, b->state.dir, path, mode, go_on, b, e);

	return rc ? rc : manifest_add(m, b->state.dir, path, e);
}

static int add_blob(void *arg, const char *sha256)
{
	struct files *f = arg;
	char path[LIMIT_SHA256 + 16];
	int64_t bytes;

	/* What a job names may have been removed by hand; the job says so when it begins. */
	if (!blobs_use(f->b->blobs, sha256, &bytes))
		return 0;
	snprintf(path, sizeof(path), "files/%.2s/%s", sha256, sha256);
	progress(f->b, path, 0, bytes);
	return add_file(f->b, path, 0444, f->m, f->err);
}

static int add_blobs(struct backup *b, struct manifest *m, struct err *e)
{
	struct store_reader *rd = store_reader_get(b->store, READER_WAIT_MS, e);
	struct files f = {b, m, e};
	struct wanted *w;
	int rc;

	if (!rd)
		return e->code;
	w = wanted_read(rd, b->runtimes, e);
	store_reader_put(rd);
	rc = w ? wanted_each(w, add_blob, &f) : e->code;
	wanted_free(w);
	return rc;
}

static int add_settings(struct backup *b, struct manifest *m, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	int rc = 0;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && !rc; i++) {
		rc = disk_path(path, b->data_dir, settings[i], e);
		if (!rc && !stat(path, &st))
			rc = add_file(b, settings[i], 0600, m, e);
	}
	return rc;
}

/* ---- the whole ---- */

static void work(void *arg)
{
	struct backup *b = arg;
	struct manifest m = {.made_ms = b->state.started_ms};
	int rc;

	str_copy(m.farm_id, sizeof(m.farm_id), b->farm_id);
	str_copy(m.framefarm, sizeof(m.framefarm), FRAMEFARM_VERSION);
	rc = backup_store(b->store, b->state.dir, &m, progress, b, &b->err);
	if (!rc)
		rc = add_blobs(b, &m, &b->err);
	if (!rc)
		rc = add_settings(b, &m, &b->err);
	if (!rc)
		rc = manifest_write(&m, b->state.dir, &b->err);
	b->err.code = rc;
	pthread_mutex_lock(&b->lock);
	b->state.n_files = m.n;
	b->state.bytes = 0;
	for (int i = 0; i < m.n; i++)
		b->state.bytes += m.files[i].bytes;
	pthread_mutex_unlock(&b->lock);
	manifest_fini(&m);
}

static void done(void *arg)
{
	struct backup *b = arg;

	b->busy = false;
	pthread_mutex_lock(&b->lock);
	b->state.ended_ms = b->env.now(b->env.ctx).wall_ms;
	b->state.what[0] = '\0';
	if (b->err.code) {
		b->state.state = CTL_BACKUP_FAILED;
		str_copy(b->state.cause, sizeof(b->state.cause), b->err.text);
	} else {
		b->state.state = CTL_BACKUP_DONE;
		b->state.last_ms = b->state.started_ms;
	}
	pthread_mutex_unlock(&b->lock);
	if (b->err.code)
		log_warn("event=backup_failed dir=\"%s\" cause=\"%s\"", b->state.dir, b->err.text);
	else
		log_info("event=backup_done dir=\"%s\" files=%d bytes=%lld", b->state.dir,
			b->state.n_files, (long long)b->state.bytes);
}

static int make_dir(const char *dir, struct err *e)
{
	int rc;

	if (*dir != '/')
		return err_set(e, ERR_INVAL, "the directory must be named from the root on");
	if (strlen(dir) >= sizeof(((struct ctl_backup *)0)->dir))
		return err_set(e, ERR_TOOBIG, "the directory's name is too long");
	rc = disk_is_empty(dir, e);
	if (rc < 0)
		return rc;
	if (!rc)
		return err_set(e, ERR_EXISTS,
			"%s is not empty: each backup gets a directory of its own", dir);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_errno(e, errno,
			"the daemon cannot make the directory %s; name one that its user may write"
			" (and, for a service, that its unit lets it)",
			dir);
	return 0;
}

int backup_begin(
	struct backup *b, const char *dir, const char *farm_id, int64_t now_ms, struct err *e)
{
	struct driver_host *h = b->env.host;
	int64_t last_ms = b->state.last_ms;
	int rc;

	if (b->busy || b->stopping)
		return err_set(e, ERR_WRONGSTATE,
			b->busy ? "another backup is under way" : "the daemon is stopping");
	rc = make_dir(dir, e);
	if (rc)
		return rc;
	pthread_mutex_lock(&b->lock);
	b->state = (struct ctl_backup){
		.state = CTL_BACKUP_RUNNING, .started_ms = now_ms, .last_ms = last_ms};
	str_copy(b->state.dir, sizeof(b->state.dir), dir);
	pthread_mutex_unlock(&b->lock);
	str_copy(b->farm_id, sizeof(b->farm_id), farm_id);
	b->err = (struct err){0};
	b->busy = true;
	rc = h->blocking(h, work, done, b);
	if (!rc)
		return 0;
	b->busy = false;
	b->state.state = CTL_BACKUP_NONE;
	rmdir(dir);
	return err_set(e, ERR_FULL, "too much work is queued; try again");
}

void backup_get(struct backup *b, struct ctl_backup *ret_b)
{
	pthread_mutex_lock(&b->lock);
	*ret_b = b->state;
	pthread_mutex_unlock(&b->lock);
}

/* ---- life ---- */

struct backup *backup_new(const struct ctl_env *env, const char *data_dir, struct store *store,
	struct blobs *blobs, struct runtimes *runtimes)
{
	struct backup *b = mem_zalloc(sizeof(*b));

	b->env = *env;
	b->data_dir = data_dir;
	b->store = store;
	b->blobs = blobs;
	b->runtimes = runtimes;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

void backup_stop(struct backup *b)
{
	b->stopping = true;
}

bool backup_idle(const struct backup *b)
{
	return !b->busy;
}

void backup_free(struct backup *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->lock);
	mem_free(b);
}
