/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a descriptor (a pipe, a terminal, a socket) and a stream of ADB, in each direction, with
 * back-pressure and without copies where there is much: what is read goes out in the buffer it was
 * read into. Parts of the services; loop thread.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PUMP_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct adb_buf;
struct adb_stream;
struct driver_host;
struct host_fd;

/* ---- from a descriptor to a stream ---- */

struct pump_out {
	struct driver_host *h;
	struct adb_stream *to;
	uint32_t max; /* payload */
	int shell_id; /* wrapped as this packet of shell v2; -1: bare */
	int fd;
	struct host_fd *watch;
	struct adb_buf *kept;   /* read, and there was no room in the stream */
	void (*end)(void *arg); /* the descriptor has ended and all of it was sent on */
	void *arg;
};

/* Takes fd, which is made non-blocking. */
void pump_out_start(struct pump_out *p, struct driver_host *h, int fd, struct adb_stream *to,
	uint32_t max, int shell_id, void (*end)(void *arg), void *arg);
void pump_out_resume(struct pump_out *p); /* the stream has drained */
void pump_out_stop(struct pump_out *p);   /* closes; again is harmless */
bool pump_out_done(const struct pump_out *p);

/* ---- from a stream to a descriptor ---- */

#define PUMP_HIGH (1024 * 1024) /* kept for the descriptor before the stream is paused */

struct pump_in {
	struct driver_host *h;
	struct adb_stream *from;
	int fd;
	struct host_fd *watch;
	struct buf kept;
	size_t sent; /* of kept */
	bool paused, closing;
};

/* Takes fd. */
void pump_in_start(struct pump_in *p, struct driver_host *h, int fd, struct adb_stream *from);
void pump_in_data(struct pump_in *p, const uint8_t *data, size_t n);
void pump_in_finish(struct pump_in *p); /* closes once all is written */
void pump_in_stop(struct pump_in *p);

#endif
