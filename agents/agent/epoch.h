/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epochs that this device has seen: for each farm the newest one, kept over restarts. A command
 * with an older epoch comes from somebody whose lease is over, and is refused. The floor is per
 * farm: another farm's counter says nothing about this one's.
 */
#ifndef FRAMEFARM_AGENT_EPOCH_H
#define FRAMEFARM_AGENT_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#define EPOCH_FARMS_MAX 8 /* the farm that was heard of longest ago is forgotten first */
#define EPOCH_FARM      64

struct epochs {
	int dirfd;
	int slot;         /* of the file, that holds the newest list; 0 or 1 */
	uint64_t written; /* how often */
	unsigned n;
	struct {
		char farm[EPOCH_FARM];
		int64_t epoch;
	} floors[EPOCH_FARMS_MAX]; /* the one heard of last comes first */
};

/* Borrows dirfd. A missing file is an empty list. Returns 0, or -errno and an empty list;
 * -EBADMSG for a file that is damaged, which is kept beside as epochs.bad. */
int epochs_load(struct epochs *e, int dirfd);

/* Whether this can be a farm's id: 1…63 of [A-Za-z0-9._:-]. */
bool epochs_farm_is_valid(const char *farm);

/* The newest epoch of a farm, 0 when it is not known. */
int64_t epochs_floor(const struct epochs *e, const char *farm);

/* Notes that the farm was heard of, with this epoch. On return of 0 the file on disk says so; on
 * -errno the floor in memory is raised all the same. */
int epochs_raise(struct epochs *e, const char *farm, int64_t epoch);

#endif
