/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up: what the last daemon left in the store becomes the farm's state. Blocks. */
#ifndef FRAMEFARM_FARM_RESTORE_H
#define FRAMEFARM_FARM_RESTORE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct farm;
struct store;

/* Loads what is not final, and the last id of every table, so that none is used twice. *ret_event is
 * the newest event's, 0 for none. */
int restore_farm(struct farm *f, struct store *s, int64_t *ret_event, struct err *e);
/* The farm's own id (random, made at the first start), for epochs and rows. */
int restore_farm_id(struct store *s, char *dst, size_t size,
	void (*random)(void *ctx, void *p, size_t n), void *ctx, struct err *e);

#endif
