/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one attempt measured, on disk until the controller has committed it. A directory
 * DIR/spool/ID with:
 *	meta    what was started: one frame (SPOOL_TYPE_META), on the disk before any chunk
 *	frames  the PROTO_CHUNK frames, append-only, byte for byte as they are sent
 *	ring    the iterations, written by the runner (ring.h); gone when all are in frames
 *	runner  process id and start time of the live runner
 *	end     the PROTO_END frame; its presence means that the attempt is over
 *
 * A frame is sent only after it is on the disk (`synced`): whoever restarts finds at least what the
 * controller may know, so a sequence number never comes twice with different content, even after
 * a loss of power. The streams' numbers are dense from 1, also across a restart.
 *
 * One writer. Errors are -errno; after one nothing of the failed frame stays in the file.
 */
#ifndef FRAMEFARM_AGENT_SPOOL_H
#define FRAMEFARM_AGENT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "msg.h"

#define SPOOL_FRAME_MAX (PROTO_HEADER + 32 * 1024)
#define SPOOL_TYPE_META 0x4d53
#define SPOOL_NAME      24 /* of an attempt's directory */

struct spool_meta {
	int64_t attempt, epoch;
	uint64_t boot; /* of the agent that began it */
	char farm[64];
	char kernel_boot_id[40];
	int64_t mono_ns, boot_ns, wall_ns; /* read together, at its start */
	const uint8_t *plan;               /* encoded */
	uint32_t plan_len;
};

struct spool_stream {
	uint64_t last_seq; /* 0: nothing, not even declared */
	uint64_t items;    /* pairs, facts or bytes in its chunks */
};

struct spool {
	int64_t attempt;
	uint64_t boot;
	int dir, frames;
	int parent;     /* borrowed; -1 once the directory itself is known to be on the disk */
	int64_t size;   /* of whole frames */
	int64_t synced; /* of them on the disk */
	struct spool_stream *streams; /* MSG_STREAMS_MAX */
	uint8_t *buf;                 /* SPOOL_FRAME_MAX */
};

/* Name of an attempt's directory. */
void spool_name(char dst[SPOOL_NAME], int64_t attempt);

/* Makes the directory with its meta and reserves room for the end. Nothing stays on failure. Waits
 * for no disk: the runner shall start soon, and nothing was sent yet; the first spool_sync()
 * does. */
int spool_create(struct spool *s, int parent, const struct spool_meta *m);
/* Closes the files; they stay. */
void spool_close(struct spool *s);
/* Deletes an attempt's directory. */
int spool_remove(int parent, int64_t attempt);

/* Appends a chunk; attempt, boot and seq are filled in here. */
int spool_append(struct spool *s, struct msg_chunk *c);
int spool_sync(struct spool *s);

/* Writes the end, with the last number of every stream; the spool may only be closed then. */
int spool_end(struct spool *s, uint16_t outcome, const char *cause);

/* ---- what another start of the agent left: spool_recover.c ---- */

/* Reads an attempt's meta. *ret_mem holds the plan: free() it. -EBADMSG for one that is torn. */
int spool_load_meta(int parent, int64_t attempt, struct spool_meta *ret_m, uint8_t **ret_mem);
/* Whether the attempt has an end, and (then) copies its frame. Returns the frame's length, 0 for
 * none, or -errno. */
ssize_t spool_load_end(int parent, int64_t attempt, void *buf, size_t size);
/* Opens the spool of an attempt without end to go on with it: keeps the longest beginning of frames
 * that is whole and in sequence, and cuts off the rest. *ret_cut is how many bytes that were. */
int spool_reopen(struct spool *s, int parent, const struct spool_meta *m, int64_t *ret_cut);

/* Reads the chunk frame at off from a frames file of `size` bytes into buf (SPOOL_FRAME_MAX) and
 * checks it; its stream is below MSG_STREAMS_MAX. Returns its length, 0 at the end, -EBADMSG for what
 * is no whole frame. */
ssize_t spool_read_frame(int fd, int64_t off, int64_t size, uint8_t *buf, struct msg_chunk *ret_c);

#endif
