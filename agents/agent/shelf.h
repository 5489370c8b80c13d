/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All attempts whose spools lie in DIR/spool: the live one, and those that are over and wait until
 * the controller discards them. Knows how much they take, and refuses what would take too much.
 * One thread.
 */
#ifndef FRAMEFARM_AGENT_SHELF_H
#define FRAMEFARM_AGENT_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

#define SHELF_MAX     MSG_ATTEMPTS_MAX
#define SHELF_RESERVE (1 << 20) /* bytes left for frames beside an attempt's ring */

struct spool;

struct shelf_item {
	int64_t attempt;
	uint64_t boot;
	const struct spool *live; /* while it runs; NULL when it has ended */
	int64_t bytes;            /* of its frames, when it has ended */
	/* The uplink's: where it stands with this attempt on the present connection. */
	int fd;              /* of frames, or -1 */
	int64_t sent, acked; /* offsets: all frames in front of it */
	uint64_t *acked_seq; /* per stream, or NULL while nothing was acknowledged */
	bool end_sent;
	uint8_t *end; /* its END frame, where the disk did not take it; NULL: it is in the spool */
};

struct shelf {
	int dir; /* borrowed */
	int64_t max_bytes;
	unsigned n;
	struct shelf_item items[SHELF_MAX]; /* in the order they were added */
};

void shelf_init(struct shelf *s, int dir, int64_t max_bytes);
void shelf_fini(struct shelf *s);

/* Adds an attempt; the spool is borrowed until shelf_ended(). The caller asked shelf_has_room(). */
struct shelf_item *shelf_add(
	struct shelf *s, int64_t attempt, uint64_t boot, const struct spool *live);
/* The attempt is over: `bytes` of frames lie there. */
void shelf_ended(struct shelf *s, int64_t attempt, int64_t bytes);
/* The disk does not take the attempt's end: this frame is sent from memory. One that is no END frame is
 * ignored. Where the agent dies too, its next start finds the attempt interrupted. */
void shelf_keep_end(struct shelf *s, int64_t attempt, const uint8_t *frame);
struct shelf_item *shelf_find(struct shelf *s, int64_t attempt);
/* Deletes an attempt that has ended, on disk too. Returns 0, or -ENOENT for one that is not
 * here. */
int shelf_discard(struct shelf *s, int64_t attempt);

/* Bytes that are on the disk and not acknowledged. */
int64_t shelf_waiting(const struct shelf *s);

/* Whether an attempt with a ring of so many bytes may be added: 0, or -ENOSPC and a sentence. */
int shelf_has_room(const struct shelf *s, int64_t ring_bytes, char *why, size_t size);
/* Whether the attempts and a ring of so many bytes have outgrown the bound. */
bool shelf_is_over(const struct shelf *s, int64_t ring_bytes);

#endif
