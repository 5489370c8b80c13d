/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that can be told to fail: SQLite's own unix VFS with a layer on top, registered as the
 * default before a store is opened. Nothing in the store knows of it.
 */
#ifndef FRAMEFARM_TESTS_STORE_SUPPORT_VFS_H
#define FRAMEFARM_TESTS_STORE_SUPPORT_VFS_H

#include <stdbool.h>

void bad_disk_install(void);   /* once; opened files go through it from then on */
void bad_disk_uninstall(void); /* every file is closed */
/* From now on fsync() of a file whose name ends so fails with EIO; NULL: none. */
void bad_disk_fail_sync(const char *suffix);
int bad_disk_syncs(void); /* of write-ahead logs, since the last call */
int bad_disk_reads(void); /* of any file, since the last call */

#endif
