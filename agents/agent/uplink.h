/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending what the spools hold. Frames go out in the order of their file, attempt by attempt, at
 * most UPLINK_WINDOW of them ahead of the controller's acknowledgement; behind an attempt's last
 * frame goes its end. A new connection begins at the first frame that was not acknowledged.
 */
#ifndef FRAMEFARM_AGENT_UPLINK_H
#define FRAMEFARM_AGENT_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool.h"

#define UPLINK_WINDOW 64          /* frames sent and not acknowledged */
#define UPLINK_QUEUE  (64 * 1024) /* bytes in a connection beyond which no frame is added */

struct conn;
struct shelf;

struct uplink_frame {
	int64_t attempt;
	int64_t end; /* offset behind it */
	uint32_t stream;
	uint64_t seq;
};

struct uplink {
	struct shelf *shelf;
	unsigned first, n;
	struct uplink_frame window[UPLINK_WINDOW];
	uint8_t buf[SPOOL_FRAME_MAX];
};

/* Borrows the shelf. */
void uplink_init(struct uplink *u, struct shelf *shelf);
/* A new controller: nothing was sent yet. */
void uplink_reset(struct uplink *u);
/* Sends what may be sent now. */
void uplink_pump(struct uplink *u, struct conn *c);
/* The controller has committed the stream up to seq. Unknown ones are ignored. */
void uplink_ack(struct uplink *u, int64_t attempt, uint32_t stream, uint64_t seq);
/* Sends this attempt's end once more. */
void uplink_repeat_end(struct uplink *u, int64_t attempt);
/* The attempt is discarded. */
void uplink_forget(struct uplink *u, int64_t attempt);
/* Whether nothing goes on until the controller answers: the window is full, or the end of an
 * attempt was sent and it was not discarded. */
bool uplink_waits(const struct uplink *u);

#endif
