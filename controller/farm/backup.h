/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup of the whole farm while it runs, into a new directory: the store's two files, the uploads that
 * somebody needs, registered runtimes, the addresses that devices are connected at. No secrets: tokens,
 * TLS keys and the key that phones know stay where they are. A directory without MANIFEST is none. Loop
 * thread, but for its work.
 */
#ifndef FRAMEFARM_FARM_BACKUP_H
#define FRAMEFARM_FARM_BACKUP_H

#include "farm/ctl.h"

struct backup;
struct blobs;
struct ctl_env;
struct err;
struct runtimes;
struct store;

struct backup *backup_new(const struct ctl_env *env, const char *data_dir, struct store *store,
	struct blobs *blobs, struct runtimes *runtimes);
void backup_free(struct backup *b); /* idle; NULL allowed */
void backup_stop(struct backup *b); /* the one that is under way ends soon, unfinished */
bool backup_idle(const struct backup *b);

/* As the functions of the same names in ctl.h. */
int backup_begin(
	struct backup *b, const char *dir, const char *farm_id, int64_t now_ms, struct err *e);
void backup_get(struct backup *b, struct ctl_backup *ret_b);

#endif
