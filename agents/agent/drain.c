/* SPDX-License-Identifier: Apache-2.0 */
/* Ring to streams; see drain.h. */
#include "agent/drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/record.h"
#include "agent/ringfile.h"
#include "plan.h"

#define BATCH 256 /* records: 6 KiB of stack */

void drain_init(struct drain *d, int fd, uint64_t capacity, int64_t budget_ns)
{
	memset(d, 0, sizeof(*d));
	d->fd = fd;
	d->capacity = capacity;
	d->budget_ns = budget_ns;
}

static int damage(struct drain *d)
{
	d->damaged = true;
	return -EBADMSG;
}

static bool header_is_sane(const struct drain *d)
{
	uint32_t n = d->h.n_blocks, closed = d->h.closed;

	return d->h.head >= d->head && d->h.head <= d->capacity && n <= RING_BLOCKS_MAX &&
	       closed <= n && n - closed <= 1 && closed >= d->block;
}

static bool block_is_sane(const struct drain *d, const struct ring_block *b)
{
	bool timed = b->phase == PHASE_BACK2BACK || b->phase == PHASE_PACED ||
	             b->phase == PHASE_SUSTAINED;

	return timed && b->first == d->next && b->period_ns >= 0;
}

static int begin_block(struct drain *d, struct record *r)
{
	const struct ring_block *b = &d->h.blocks[d->block];
	struct record_block rb = {.number = d->block, .phase = b->phase, .period_ns = b->period_ns};

	if (!block_is_sane(d, b))
		return damage(d);
	record_block_begin(r, &rb);
	d->in_block = 0;
	d->skip_latency = record_latencies_sealed(r, d->block);
	d->skip_exec = record_execs_sealed(r, d->block);
	d->open = true;
	return 0;
}

static bool record_is_sane(const struct ring_record *rec, bool paced)
{
	return rec->start_ns > 0 && rec->end_ns >= rec->start_ns &&
	       (!paced || (rec->release_ns > 0 && rec->end_ns >= rec->release_ns));
}

static int take(struct drain *d, struct record *r, const struct ring_record *rec)
{
	bool paced = r->block.period_ns > 0;
	int64_t from_ns = paced ? rec->release_ns : rec->start_ns;

	if (!record_is_sane(rec, paced))
		return damage(d);
	if (d->in_block >= d->skip_latency)
		record_latency(r, from_ns, rec->end_ns - from_ns);
	if (paced && d->in_block >= d->skip_exec)
		record_exec(r, rec->start_ns, rec->end_ns - rec->start_ns);
	d->iterations++;
	d->over_budget += d->budget_ns > 0 && rec->end_ns - from_ns > d->budget_ns;
	d->in_block++;
	d->next++;
	return 0;
}

static int take_up_to(struct drain *d, struct record *r, uint64_t end)
{
	struct ring_record batch[BATCH];

	while (d->next < end) {
		unsigned n = end - d->next < BATCH ? end - d->next : BATCH;

		if (ringfile_read_records(d->fd, d->next, n, batch))
			return damage(d);
		for (unsigned i = 0; i < n; i++)
			if (take(d, r, &batch[i]))
				return -EBADMSG;
	}
	return 0;
}

static void block_fact(struct record *r, uint16_t phase, const char *what, int64_t v)
{
	char key[MSG_NAME];

	snprintf(key, sizeof(key), "ring.%s.%s", phase_name(phase), what);
	record_int(r, key, v);
}

static void note_block(struct drain *d, struct record *r, const struct ring_block *b)
{
	block_fact(r, b->phase, "count", d->in_block);
	block_fact(r, b->phase, "skipped", b->skipped);
	block_fact(r, b->phase, "begin_ns", b->begin_ns);
	block_fact(r, b->phase, "end_ns", b->end_ns);
}

static void end_block(struct drain *d, struct record *r)
{
	if (d->block >= d->facts_known)
		note_block(d, r, &d->h.blocks[d->block]);
	record_seal(r);
	d->open = false;
	d->block++;
}

/* One block's share: returns 1 when the block ended, 0 when there is no more for now. */
static int pump_block(struct drain *d, struct record *r, uint64_t limit)
{
	const struct ring_block *b = &d->h.blocks[d->block];
	bool closed = d->h.closed > d->block;
	uint64_t end = d->h.head;
	int rc = d->open ? 0 : begin_block(d, r);

	if (rc)
		return rc;
	if (closed) {
		if (b->count > d->h.head || b->first > d->h.head - b->count ||
			b->count < d->in_block)
			return damage(d);
		end = b->first + b->count;
	}
	rc = take_up_to(d, r, end < limit ? end : limit);
	if (rc || !closed || d->next < end)
		return rc;
	end_block(d, r);
	return 1;
}

int drain_pump(struct drain *d, struct record *r)
{
	uint64_t limit = d->next + DRAIN_TURN;
	int rc;

	if (d->damaged)
		return -EBADMSG;
	rc = ringfile_read(d->fd, &d->h);
	if (rc == -EAGAIN)
		return 1;
	if (rc)
		return damage(d);
	if (!header_is_sane(d))
		return damage(d);
	d->head = d->h.head;
	d->alive_ns = d->h.alive_ns;
	do
		rc = d->block < d->h.n_blocks ? pump_block(d, r, limit) : 0;
	while (rc == 1);
	if (rc)
		return rc;
	return d->next >= limit && d->next < d->head;
}

void drain_all(struct drain *d, struct record *r)
{
	for (int i = 0; i < DRAIN_ALL && drain_pump(d, r) == 1; i++)
		;
}
