/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's hold on the ring (ring.h). The runner maps the file and may write anything into it,
 * or cut it short, so the agent does not map it: a read of what is gone is an error, not a SIGBUS.
 * Nothing that is read here is to be believed before it was checked.
 */
#ifndef FRAMEFARM_AGENT_RINGFILE_H
#define FRAMEFARM_AGENT_RINGFILE_H

#include <stdint.h>

#include "ring.h"

#define RINGFILE_RECORDS_MAX (4u << 20) /* 96 MiB */

/* Makes the file "ring" with its blocks allocated, so that the runner's stores cannot hit a full
 * disk. Returns a descriptor or -errno. */
int ringfile_create(int dirfd, uint64_t capacity);
/* Opens one that an earlier start of the agent left. */
int ringfile_open(int dirfd);

/* A copy of the header in which head, n_blocks and closed were read before everything they vouch
 * for. 0 or -errno; -EAGAIN when the runner was storing at that moment. */
int ringfile_read(int fd, struct ring_header *ret_h);
int ringfile_read_records(int fd, uint64_t from, unsigned n, struct ring_record *ret_r);

/* Sets the sign of life, before a runner is started. */
int ringfile_set_alive(int fd, int64_t mono_ns);

#endif
