/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS layer whose syncs can fail; see support_vfs.h. */
#include "support_vfs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <sqlite3.h>

/* Ours, with the real file's behind it. */
struct bad_file {
	sqlite3_file base;
	const char *name;
	sqlite3_file real[];
};

static sqlite3_vfs vfs, *real_vfs;
static sqlite3_io_methods methods;
static const char *_Atomic failing;
static atomic_int wal_syncs, reads;

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct bad_file *)f)->real;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = s ? strlen(s) : 0, m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

static int bad_sync(sqlite3_file *f, int flags)
{
	const char *name = ((struct bad_file *)f)->name, *suffix = failing;

	if (ends_with(name, "-wal"))
		wal_syncs++;
	if (suffix && ends_with(name, suffix))
		return SQLITE_IOERR_FSYNC;
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int bad_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	reads++;
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

/* Everything else is handed on. */
#define HAND_ON(ret, name, args, ...)                                                              \
	static ret bad_##name args                                                                 \
	{                                                                                          \
		return real_of(f)->pMethods->name(real_of(f), ##__VA_ARGS__);                      \
	}

HAND_ON(int, xClose, (sqlite3_file * f))
HAND_ON(int, xWrite, (sqlite3_file * f, const void *p, int n, sqlite3_int64 at), p, n, at)
HAND_ON(int, xTruncate, (sqlite3_file * f, sqlite3_int64 n), n)
HAND_ON(int, xFileSize, (sqlite3_file * f, sqlite3_int64 *n), n)
HAND_ON(int, xLock, (sqlite3_file * f, int l), l)
HAND_ON(int, xUnlock, (sqlite3_file * f, int l), l)
HAND_ON(int, xCheckReservedLock, (sqlite3_file * f, int *l), l)
HAND_ON(int, xFileControl, (sqlite3_file * f, int op, void *p), op, p)
HAND_ON(int, xSectorSize, (sqlite3_file * f))
HAND_ON(int, xDeviceCharacteristics, (sqlite3_file * f))
HAND_ON(int, xShmMap, (sqlite3_file * f, int i, int n, int x, void volatile **p), i, n, x, p)
HAND_ON(int, xShmLock, (sqlite3_file * f, int at, int n, int flags), at, n, flags)
HAND_ON(int, xShmUnmap, (sqlite3_file * f, int del), del)

static void bad_xShmBarrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int bad_open(
	sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct bad_file *b = (struct bad_file *)f;
	int rc = real_vfs->xOpen(real_vfs, name, b->real, flags, ret_flags);

	(void)v;
	b->name = name;
	b->base.pMethods = b->real->pMethods ? &methods : NULL;
	return rc;
}

void bad_disk_install(void)
{
	methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = bad_xClose,
		.xRead = bad_read,
		.xWrite = bad_xWrite,
		.xTruncate = bad_xTruncate,
		.xSync = bad_sync,
		.xFileSize = bad_xFileSize,
		.xLock = bad_xLock,
		.xUnlock = bad_xUnlock,
		.xCheckReservedLock = bad_xCheckReservedLock,
		.xFileControl = bad_xFileControl,
		.xSectorSize = bad_xSectorSize,
		.xDeviceCharacteristics = bad_xDeviceCharacteristics,
		.xShmMap = bad_xShmMap,
		.xShmLock = bad_xShmLock,
		.xShmBarrier = bad_xShmBarrier,
		.xShmUnmap = bad_xShmUnmap,
	};
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "bad-disk";
	vfs.szOsFile = (int)sizeof(struct bad_file) + real_vfs->szOsFile;
	vfs.xOpen = bad_open;
	sqlite3_vfs_register(&vfs, 1);
}

void bad_disk_uninstall(void)
{
	failing = NULL;
	sqlite3_vfs_unregister(&vfs);
	sqlite3_vfs_register(real_vfs, 1);
}

void bad_disk_fail_sync(const char *suffix)
{
	failing = suffix;
}

int bad_disk_syncs(void)
{
	return atomic_exchange(&wal_syncs, 0);
}

int bad_disk_reads(void)
{
	return atomic_exchange(&reads, 0);
}
