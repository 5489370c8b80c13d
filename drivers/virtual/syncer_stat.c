/* SPDX-License-Identifier: Apache-2.0 */
/* STAT, STA2, LST2, LIST and LIS2; see syncer.h. */
#include "drivers/virtual/syncer_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/virtual/init.h"
#include "drivers/virtual/inroot.h"

/* Inside, the one who started the program is the shell, and everybody else is root. */
static uint32_t id_inside(uint32_t id, uint32_t ours)
{
	return id == ours ? INIT_UID : 0;
}

static void fill(struct adb_sync_stat *d, const struct stat *s)
{
	*d = (struct adb_sync_stat){.dev = s->st_dev,
		.ino = s->st_ino,
		.mode = s->st_mode,
		.nlink = (uint32_t)s->st_nlink,
		.uid = id_inside(s->st_uid, geteuid()),
		.gid = id_inside(s->st_gid, getegid()),
		.size = (uint64_t)s->st_size,
		.atime_s = s->st_atim.tv_sec,
		.mtime_s = s->st_mtim.tv_sec,
		.ctime_s = s->st_ctim.tv_sec};
}

enum syncer_stage syncer_stat(struct syncer *y)
{
	struct adb_sync_stat d = {0};
	uint8_t v1[ADB_SYNC_STAT_BYTES], v2[ADB_SYNC_STAT2_BYTES];
	struct stat st;

	if (inroot_stat(y->root, y->path, y->id == ADB_SYNC_STA2, &st))
		d.error = errno;
	else
		fill(&d, &st);
	if (y->id == ADB_SYNC_STAT) {
		adb_sync_put_stat(v1, &d);
		syncer_put(y, v1, sizeof(v1));
	} else {
		adb_sync_put_stat2(v2, y->id, &d);
		syncer_put(y, v2, sizeof(v2));
	}
	return SYNCER_REQUEST;
}

static void put_entry(
	struct syncer *y, uint32_t id, const struct adb_sync_stat *d, const char *name)
{
	uint8_t v1[ADB_SYNC_DENT_BYTES], v2[ADB_SYNC_DNT2_BYTES];
	uint32_t n = (uint32_t)strlen(name);

	if (y->id == ADB_SYNC_LIST) {
		adb_sync_put_dent(v1, id, d, n);
		syncer_put(y, v1, sizeof(v1));
	} else {
		adb_sync_put_dent2(v2, id, d, n);
		syncer_put(y, v2, sizeof(v2));
	}
	syncer_put(y, name, n);
}

static enum syncer_stage list_done(struct syncer *y)
{
	struct adb_sync_stat none = {0};

	put_entry(y, ADB_SYNC_DONE, &none, "");
	return SYNCER_REQUEST;
}

/* A path that is not there, or is no directory, has an empty list and no error. */
enum syncer_stage syncer_list(struct syncer *y)
{
	int fd = inroot_open(y->root, y->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0, false);

	if (fd < 0)
		return list_done(y);
	y->list = fdopendir(fd);
	if (!y->list) {
		close(fd);
		return list_done(y);
	}
	return SYNCER_LIST;
}

enum syncer_stage syncer_list_more(struct syncer *y)
{
	struct dirent *e = readdir(y->list);
	struct adb_sync_stat d = {0};
	struct stat st;

	if (!e) {
		closedir(y->list);
		y->list = NULL;
		return list_done(y);
	}
	if (!fstatat(dirfd(y->list), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
		fill(&d, &st);
	else if (y->id == ADB_SYNC_LIST)
		return SYNCER_LIST; /* gone meanwhile; version 1 has no way to say so */
	else
		d.error = errno;
	put_entry(y, y->id == ADB_SYNC_LIST ? ADB_SYNC_DENT : ADB_SYNC_DNT2, &d, e->d_name);
	return SYNCER_LIST;
}
