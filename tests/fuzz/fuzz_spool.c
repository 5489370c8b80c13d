/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent finds when it starts: the spools of attempts that an earlier start left, torn, damaged or of
 * another hand, and the file of epochs. The input's first byte says what of it is put right (below); behind
 * it stand the files, each with a length of two bytes in front: meta, frames, end, ring, epochs. Frames are
 * a list of chunks, each with a length of two bytes again, or bytes as they are.
 *
 * Whatever was there: recovery ends, and what it leaves an agent and a controller can read. The attempt is
 * gone or has an end; the frames that were gone on with are whole, of this attempt, and without a gap; a
 * second start changes nothing more; a controller that acknowledges all it is sent gets all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/epoch.h"
#include "agent/files.h"
#include "agent/home.h"
#include "agent/ident.h"
#include "agent/log.h"
#include "agent/recover.h"
#include "agent/ringfile.h"
#include "agent/shelf.h"
#include "agent/spool.h"
#include "agent/uplink.h"
#include "plan.h"
#include "tests/fuzz/fuzz.h"
#include "timesrc.h"

#define ATTEMPT  5
#define BOOT_ID  "11111111-2222-3333-4444-555555555555" /* a meta of this kernel names it */
#define FILE_MAX (64 * 1024)
#define PUMPS    10000 /* of one spool; more means that it is sent without end */

/* Bits of the first byte: what has its checksum put right, and what is there at all. */
enum { MEND_META = 1, MEND_FRAMES = 2, MEND_END = 4, HAS_RING = 8, HAS_END = 16, NO_ACK = 32 };

static struct home home;
static struct timesrc *ts;

static void clean_up(void)
{
	home_close(&home);
	timesrc_close(ts);
}

static void open_home(void)
{
	CHECK(!home_open(&home, fuzz_dir("spool")));
	ts = timesrc_open(NULL);
	CHECK(ts && !log_open("/dev/null", ts));
	atexit(clean_up);
}

/* ---- files ---- */

static struct input part(struct input *in)
{
	size_t n = take(in);
	struct input p;

	n |= (size_t)take(in) << 8;
	p = (struct input){in->p, n < in->n ? n : in->n};
	in->p += p.n;
	in->n -= p.n;
	return p;
}

static void put(int at, const char *name, const void *data, size_t n)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

static void put_frame(int at, const char *name, uint16_t type, struct input p, bool mend)
{
	static uint8_t mem[FILE_MAX + PROTO_HEADER];

	if (!mend) {
		put(at, name, p.p, p.n);
		return;
	}
	proto_header_put(mem, type, p.p, (uint32_t)p.n);
	memcpy(mem + PROTO_HEADER, p.p, p.n);
	put(at, name, mem, PROTO_HEADER + p.n);
}

static void put_frames(int at, struct input p, bool mend)
{
	static uint8_t mem[2 * FILE_MAX + PROTO_HEADER];
	size_t n = 0;

	if (!mend) {
		put(at, "frames", p.p, p.n);
		return;
	}
	while (p.n && n < FILE_MAX) {
		struct input chunk = part(&p);

		proto_header_put(mem + n, PROTO_CHUNK, chunk.p, (uint32_t)chunk.n);
		if (chunk.n)
			memcpy(mem + n + PROTO_HEADER, chunk.p, chunk.n);
		n += PROTO_HEADER + chunk.n;
	}
	put(at, "frames", mem, n);
}

static void put_all(uint8_t how, struct input *in)
{
	struct input meta = part(in), frames = part(in), end = part(in), ring = part(in);
	char name[SPOOL_NAME];
	int at;

	spool_name(name, ATTEMPT);
	at = files_open_dir(home.spool, name, 0700);
	CHECK(at >= 0);
	put_frame(at, "meta", SPOOL_TYPE_META, meta, how & MEND_META);
	put_frames(at, frames, how & MEND_FRAMES);
	if (how & HAS_END)
		put_frame(at, "end", PROTO_END, end, how & MEND_END);
	if (how & HAS_RING)
		put(at, "ring", ring.p, ring.n);
	close(at);
}

/* ---- what is left ---- */

struct left {
	uint8_t frames[4 * FILE_MAX], end[SPOOL_FRAME_MAX];
	ssize_t n_frames, n_end;
};

static bool read_left(struct left *l)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/frames", ATTEMPT);
	l->n_frames = files_read(home.spool, path, l->frames, sizeof(l->frames));
	l->n_end = spool_load_end(home.spool, ATTEMPT, l->end, sizeof(l->end));
	return l->n_end != -ENOENT;
}

/* Frames that were gone on with. */
static void check_frames(const struct left *l, uint64_t boot)
{
	static uint64_t last[MSG_STREAMS_MAX];
	struct msg_end end;
	struct proto_header h;
	struct msg_chunk c;

	memset(last, 0, sizeof(last));
	for (ssize_t at = 0; at < l->n_frames; at += PROTO_HEADER + h.len) {
		CHECK(l->n_frames - at >= PROTO_HEADER && !proto_header_get(l->frames + at, &h));
		CHECK(h.type == PROTO_CHUNK && h.len <= l->n_frames - at - PROTO_HEADER);
		CHECK(!msg_chunk_get(l->frames + at + PROTO_HEADER, h.len, &c));
		CHECK(c.attempt == ATTEMPT && c.boot == boot && c.stream < MSG_STREAMS_MAX);
		CHECK(c.seq == ++last[c.stream]);
	}
	CHECK(!msg_end_get(l->end + PROTO_HEADER, (size_t)l->n_end - PROTO_HEADER, &end));
	CHECK(end.attempt == ATTEMPT && end.boot == boot);
	for (uint32_t i = 0; i < end.n_streams; i++)
		CHECK(end.streams[i].last_seq == last[end.streams[i].stream]);
}

/* ---- the controller ---- */

/* Takes what was sent; acknowledges it. Returns how many frames. */
static int take_sent(struct uplink *u, struct conn *c, bool ack)
{
	struct proto_header h;
	struct msg_chunk m;
	int n = 0;

	for (size_t at = c->out_off; at < c->out_len; at += PROTO_HEADER + h.len, n++) {
		CHECK(!proto_header_get(c->out + at, &h));
		CHECK(proto_check(c->out + at, c->out + at + PROTO_HEADER, h.len));
		if (!ack || h.type != PROTO_CHUNK)
			continue;
		CHECK(!msg_chunk_get(c->out + at + PROTO_HEADER, h.len, &m));
		uplink_ack(u, m.attempt, m.stream, m.seq);
	}
	c->out_off = c->out_len = 0;
	return n;
}

static void send_all(struct shelf *shelf, bool ack)
{
	static struct uplink u;
	struct conn c = {0};
	int pumps = 0;

	uplink_init(&u, shelf);
	conn_open(&c, -1, 0);
	conn_set_state(&c, CONN_READY, 0);
	uplink_reset(&u);
	do {
		CHECK(++pumps < PUMPS);
		uplink_pump(&u, &c);
	} while (take_sent(&u, &c, ack));
	uplink_reset(&u); /* another connection */
	uplink_pump(&u, &c);
	take_sent(&u, &c, true);
	uplink_forget(&u, ATTEMPT);
	conn_close(&c);
	conn_reap(&c);
}

/* ---- one start of the agent ---- */

static void start(bool send, bool ack)
{
	struct ident id = {.boot = 99, .uuid = "uuid", .kernel_boot_id = BOOT_ID};
	struct shelf shelf;

	shelf_init(&shelf, home.spool, 1 << 30);
	recover_all(&shelf, &home, &id, ts);
	CHECK(shelf.n <= 1 && shelf_waiting(&shelf) >= 0);
	if (send)
		send_all(&shelf, ack);
	shelf_fini(&shelf);
}

static void read_epochs(struct input p)
{
	struct epochs e, again;

	put(home.dir, "epochs", p.p, p.n);
	if (!epochs_load(&e, home.dir)) {
		CHECK(e.n <= EPOCH_FARMS_MAX);
		for (unsigned i = 0; i < e.n; i++)
			CHECK(epochs_farm_is_valid(e.floors[i].farm) && e.floors[i].epoch >= 0);
	}
	CHECK(!epochs_raise(&e, "farm-of-this-test", 77));
	CHECK(!epochs_load(&again, home.dir) && again.n == e.n);
	CHECK(epochs_floor(&again, "farm-of-this-test") >= 77);
}

static void recover(uint8_t how)
{
	static struct left first, second;
	struct spool_meta m;
	uint8_t *mem = NULL;
	bool had_meta = !spool_load_meta(home.spool, ATTEMPT, &m, &mem);
	bool had_end =
		had_meta && spool_load_end(home.spool, ATTEMPT, first.end, SPOOL_FRAME_MAX) > 0;
	uint64_t boot = had_meta ? m.boot : 0;

	free(mem);
	start(true, !(how & NO_ACK));
	CHECK(read_left(&first) == had_meta);
	if (!had_meta)
		return;
	CHECK(first.n_end > 0);
	if (!had_end)
		check_frames(&first, boot);
	start(false, false);
	CHECK(read_left(&second) && second.n_frames == first.n_frames &&
		second.n_end == first.n_end);
	CHECK(!memcmp(first.frames, second.frames, (size_t)first.n_frames));
	CHECK(!memcmp(first.end, second.end, (size_t)first.n_end));
	CHECK(!spool_remove(home.spool, ATTEMPT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t how = take(&in);

	if (!ts)
		open_home();
	if (size > FILE_MAX)
		return 0;
	put_all(how, &in);
	recover(how);
	read_epochs(part(&in));
	return 0;
}
