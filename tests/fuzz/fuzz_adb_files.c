/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone that answers our sync: client whatever it likes, whenever it likes. The first byte is what phone
 * and link can do, the rest a script: requests, bytes from the phone, the pool's work done or refused, a link
 * that is full, the end. Each request ends once and not inside a call of ours; a name that is handed out is
 * one; a pulled file is there whole or not at all; at the end nothing is left.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/sync.h"
#include "fakehost.h"
#include "fuzz.h"

#define REQUESTS    16
#define ENTRIES_MAX 3
#define PULL_MAX    3000000
#define MANY_MAX    40 /* DATA of 64 KiB one behind the other */

enum { CAN_STAT2 = 1, CAN_LIST2 = 2, CAN_PACK = 4, CAN_HOLD = 8, SMALL_PACKETS = 16 };

struct request {
	bool open, list;
	int entries;
	int64_t max; /* of a pull; -1: none */
	char dst[96];
};

static struct world {
	struct adb_conn conn;
	struct stream stream;
	void (*on_opened)(void *arg);
	struct adb_sync *sync;
	bool there, closing, paused, opened, full;
	struct adb_buf *came;
	int inside, n_requests;
	struct request requests[REQUESTS];
} w;

static char dir[64];

/* ---- a connection whose phone is the input ---- */

static size_t on_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s;
	CHECK(w.there && n && data);
	return n;
}

static void on_pause(struct stream *s, bool on)
{
	(void)s;
	CHECK(w.there && w.paused != on);
	w.paused = on;
}

static void on_close(struct stream *s)
{
	(void)s;
	CHECK(w.there && !w.closing);
	w.closing = true;
}

static const struct stream_ops stream_ops = {on_write, on_pause, on_close};

static struct stream *conn_open(struct adb_conn *c, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	(void)c;
	(void)e;
	CHECK(!w.there && opened && n == 5 && !memcmp(service, "sync:", 5));
	w.stream = (struct stream){&stream_ops, events, arg};
	w.on_opened = opened;
	w.there = true;
	return &w.stream;
}

static bool conn_send(struct adb_conn *c, struct stream *s, struct adb_buf *b)
{
	(void)c;
	CHECK(s == &w.stream && w.there && !w.closing && b->len && b->len <= b->cap);
	if (w.full)
		return false;
	adb_buf_unref(b);
	return true;
}

static struct adb_buf *conn_hold(struct adb_conn *c, struct stream *s)
{
	(void)c;
	CHECK(s == &w.stream);
	return w.came ? adb_buf_ref(w.came) : NULL;
}

static void conn_finish(struct adb_conn *c, struct stream *s)
{
	(void)c;
	CHECK(s == &w.stream && w.there);
	w.closing = true;
}

static void conn_free(struct adb_conn *c)
{
	(void)c;
	abort(); /* one reference is ours */
}

static const struct adb_conn_ops conn_ops = {.open = conn_open,
	.send = conn_send,
	.hold = conn_hold,
	.finish = conn_finish,
	.free = conn_free};

/* ---- what our side asks for ---- */

static void on_entry(void *arg, const char *name, const struct adb_sync_stat *st)
{
	struct request *r = arg;

	CHECK(!w.inside && r->open && r->list && ++r->entries <= ENTRIES_MAX && st);
	CHECK(*name && strnlen(name, 256) < 256 && !strchr(name, '/'));
	CHECK(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static void check_pulled(const struct request *r, const struct adb_sync_done *d)
{
	struct stat st;
	bool there = !stat(r->dst, &st);

	/* One that is cancelled once it has its name is there all the same, and whole. */
	CHECK(there || d->rc);
	CHECK(!there || (st.st_size == d->bytes && d->bytes <= r->max));
	unlink(r->dst);
}

static void on_done(void *arg, const struct adb_sync_done *d)
{
	struct request *r = arg;

	CHECK(!w.inside && r->open && d->rc <= 0 && d->text && !*d->text == !d->rc);
	r->open = false;
	if (r->max >= 0)
		check_pulled(r, d);
}

static uint32_t packing(uint8_t b)
{
	static const uint32_t kinds[] = {0, ADB_SYNC_BROTLI, ADB_SYNC_LZ4, ADB_SYNC_ZSTD};

	return adb_conn_has(&w.conn, ADB_F_SENDRECV_V2) ? kinds[b % 4] : 0;
}

static int push(struct request *r, struct input *in)
{
	uint8_t how = take(in);
	struct adb_sync_push p = {.data = "pushed", .n = 6, .dst = "/p", .mode = 0644, .bytes = -1};
	char src[96];

	p.compress = packing(how);
	if (how & 4)
		p.bytes = how & 8 ? 7 : 6; /* not what it has */
	snprintf(src, sizeof(src), "%s/%s", dir, how & 32 ? "none" : "source");
	if (how & 16)
		p.src = src;
	return adb_sync_push(w.sync, &p, on_done, r);
}

static void ask(struct input *in, uint8_t what)
{
	struct request *r = &w.requests[w.n_requests];
	uint8_t how;
	int rc;

	if (w.n_requests == REQUESTS || !w.sync)
		return;
	*r = (struct request){.open = true, .max = -1};
	w.inside++;
	if (what == 0) {
		rc = adb_sync_stat(w.sync, "/s", on_done, r);
	} else if (what == 1) {
		r->list = true;
		rc = adb_sync_list(w.sync, "/d", ENTRIES_MAX, on_entry, on_done, r);
	} else if (what == 2) {
		rc = push(r, in);
	} else {
		how = take(in);
		r->max = how & 4 ? PULL_MAX : how;
		snprintf(r->dst, sizeof(r->dst), "%s/pulled-%d", dir, w.n_requests);
		rc = adb_sync_pull(w.sync, "/f", r->dst, r->max, packing(how), on_done, r);
	}
	w.inside--;
	r->open = !rc;
	w.n_requests++;
}

static void end_session(void)
{
	struct adb_sync *s = w.sync;

	w.sync = NULL;
	if (!s)
		return;
	w.inside++;
	adb_sync_end(s);
	w.inside--;
}

/* ---- what the phone and the link do ---- */

/* As the link has it: in a buffer that may be kept, or exactly as long as it is. */
static void give(const uint8_t *data, size_t n)
{
	bool may_be_kept = w.conn.ops->hold && n && (n > 100 || data[0] == 'D');
	uint8_t *at;

	if (!n || !w.there || w.closing || w.paused || !w.opened)
		return;
	if (may_be_kept)
		w.came = adb_buf_new((uint32_t)n);
	at = may_be_kept ? w.came->data : malloc(n);
	memcpy(at, data, n);
	w.stream.events->data(w.stream.arg, at, n);
	if (may_be_kept)
		adb_buf_unref(w.came);
	else
		free(at);
	w.came = NULL;
}

static void give_many(uint8_t how)
{
	static uint8_t packet[MANY_MAX * (ADB_SYNC_REQUEST + ADB_SYNC_DATA_MAX)];
	size_t each = how & 64 ? 100 : ADB_SYNC_DATA_MAX, n = 0;

	/* Small ones are more than the pieces that a block has. */
	for (int i = (how & 63) * (how & 64 ? 3 : 1);
		i-- && n + ADB_SYNC_REQUEST + each <= sizeof(packet);) {
		adb_sync_put_request(packet + n, ADB_SYNC_DATA, (uint32_t)each);
		memset(packet + n + ADB_SYNC_REQUEST, 'm', each);
		n += ADB_SYNC_REQUEST + each;
	}
	for (size_t at = 0; at < n; at += ADB_PAYLOAD_MAX)
		give(packet + at, n - at < ADB_PAYLOAD_MAX ? n - at : ADB_PAYLOAD_MAX);
}

static void close_stream(int code)
{
	if (!w.there)
		return;
	w.there = false;
	w.stream.events->closed(w.stream.arg, code, "closed");
}

static void step(struct input *in)
{
	uint8_t what = take(in) % 16;
	size_t n;

	switch (what) {
	case 0:
	case 1:
	case 2:
	case 3:
		ask(in, what);
		break;
	case 4:
		if (w.there && !w.opened && !w.closing) {
			w.opened = true;
			w.on_opened(w.stream.arg);
		}
		break;
	case 5:
		fake_run_task();
		break;
	case 6:
		w.full = false;
		if (w.there && !w.closing)
			w.stream.events->drained(w.stream.arg);
		break;
	case 7:
		w.full = take(in) % 2;
		break;
	case 8:
		close_stream(take(in) % 2 ? ERR_GONE : 0);
		break;
	case 9:
		fake_run_timers();
		break;
	case 10:
		end_session();
		break;
	case 11:
		fake_pool_full = take(in) % 4 == 3;
		break;
	case 12:
		give_many(take(in));
		break;
	default:
		n = take(in);
		n = n < in->n ? n : in->n;
		give(in->p, n);
		in->p += n;
		in->n -= n;
	}
}

/* ---- one script ---- */

static void remove_dir(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/source", dir);
	unlink(path);
	rmdir(dir);
}

static void make_dir(void)
{
	static char bytes[100000];
	char path[96];
	int fd;

	snprintf(dir, sizeof(dir), "%s/ff-fuzz-XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/source", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes));
	close(fd);
	atexit(remove_dir);
}

/* Nothing is in it but the source: no half a file either. */
static void check_dir(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	CHECK(n == 3);
}

/* Whatever is under way comes to its end: the stream closes, the pool works, timers come. */
static void settle(void)
{
	for (int i = 0; i < 1000 && (w.there || fake_has_tasks() || fake_has_timers()); i++) {
		if (w.closing)
			close_stream(0);
		fake_run_task();
		fake_run_timers();
	}
	CHECK(!w.there && !fake_has_tasks() && !fake_has_timers());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t can = take(&in);
	struct adb_conn_ops ops = conn_ops;

	if (!*dir)
		make_dir();
	if (!(can & CAN_HOLD))
		ops.hold = NULL;
	w = (struct world){.conn = {.ops = &ops, .refs = 1, .host = &fake_host}};
	w.conn.banner.features = (can & CAN_STAT2 ? ADB_F_STAT_V2 : 0) |
	                         (can & CAN_LIST2 ? ADB_F_LS_V2 : 0) |
	                         (can & CAN_PACK ? ADB_F_SENDRECV_V2 : 0);
	w.conn.max_payload = can & SMALL_PACKETS ? 4096 : ADB_PAYLOAD_MAX;
	w.sync = adb_sync_new(&w.conn, NULL);
	CHECK(w.sync);
	while (in.n)
		step(&in);
	fake_pool_full = false;
	end_session();
	settle();
	CHECK(w.conn.refs == 1);
	for (int i = 0; i < w.n_requests; i++)
		CHECK(!w.requests[i].open);
	check_dir();
	return 0;
}
