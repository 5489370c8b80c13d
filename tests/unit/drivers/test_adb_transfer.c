/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is pulled, from packets cut anywhere to the file on the host: what is written from where
 * it was received, what is copied, in which order, how much waits, and what is left behind. And how long
 * the packets are of those that are pushed. */
#include "support_adb.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/adb/conn.h"
#include "drivers/adb/sync.h"
#include "support_tmp.h"

#define PACKETS 32
#define MIB     (1024 * 1024)

static struct support_host *host; /* of all phones */
static int n_phones;

/* A phone's connection whose far end is the test. */
struct phone {
	struct adb_conn conn; /* first */
	struct stream s;
	struct tmp tmp;
	struct adb_sync *sync;
	void (*opened)(void *arg);
	int n_sent, n_done, rc, n_held;
	bool paused, closed, holds;
	int64_t bytes;
	size_t sent, longest; /* bytes, in all and of a packet */

	uint8_t *stream; /* sync's bytes */
	size_t n_stream, at;
	uint8_t *file; /* what must come out */
	size_t n_file;
	struct adb_buf *packets[PACKETS]; /* as the link had them; a reference to each */
	int n_packets;
	struct adb_buf *now; /* data() is being called with it */
};

/* ---- the connection ---- */

static struct phone *of(struct stream *s)
{
	return (struct phone *)((char *)s - offsetof(struct phone, s));
}

static size_t ph_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s;
	(void)data;
	return n;
}

static void ph_pause(struct stream *s, bool on)
{
	of(s)->paused = on;
}

static void ph_close(struct stream *s)
{
	of(s)->closed = true;
}

static struct stream *ph_open(struct adb_conn *c, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	static const struct stream_ops ops = {ph_write, ph_pause, ph_close};
	struct phone *p = (struct phone *)c;

	(void)e;
	assert_int_equal(n, 5);
	assert_memory_equal(service, "sync:", 5);
	p->s = (struct stream){.ops = &ops, .events = events, .arg = arg};
	p->opened = opened;
	return &p->s;
}

static bool ph_send(struct adb_conn *c, struct stream *s, struct adb_buf *b)
{
	struct phone *p = (struct phone *)c;

	(void)s;
	p->n_sent++;
	p->sent += b->len;
	p->longest = b->len > p->longest ? b->len : p->longest;
	adb_buf_unref(b);
	return true;
}

static struct adb_buf *ph_hold(struct adb_conn *c, struct stream *s)
{
	struct phone *p = (struct phone *)c;

	(void)s;
	assert_non_null(p->now);
	if (!p->holds)
		return NULL;
	p->n_held++;
	return adb_buf_ref(p->now);
}

static void ph_finish(struct adb_conn *c, struct stream *s)
{
	(void)c;
	ph_close(s);
}

static void ph_nothing(struct adb_conn *c)
{
	(void)c;
}

/* ---- a pull ---- */

static void done(void *arg, const struct adb_sync_done *d)
{
	struct phone *p = arg;

	p->n_done++;
	p->rc = d->rc;
	p->bytes = d->bytes;
}

static bool asked(void *arg)
{
	return ((struct phone *)arg)->n_sent;
}

static bool is_done(void *arg)
{
	return ((struct phone *)arg)->n_done;
}

static void phone_init(struct phone *p)
{
	static const struct adb_conn_ops ops = {
		ph_open, ph_send, ph_hold, ph_finish, ph_nothing, ph_nothing};
	struct err e = {0};

	memset(p, 0, sizeof(*p));
	if (!n_phones++)
		host = support_host_new(SUPPORT_INLINE);
	tmp_init(&p->tmp);
	p->conn = (struct adb_conn){
		.ops = &ops, .refs = 1, .host = support_host(host), .max_payload = MIB};
	p->stream = malloc(8 * MIB);
	p->file = calloc(8, MIB);
	p->sync = adb_sync_new(&p->conn, &e);
	assert_non_null(p->sync);
}

static void begin_pull(struct phone *p, bool holds)
{
	phone_init(p);
	p->holds = holds;
	p->opened(p->s.arg);
	assert_int_equal(
		adb_sync_pull(p->sync, "/f", tmp_path(&p->tmp, "f"), 8 * MIB, 0, done, p), 0);
	support_until(host, asked, p);
}

static void phone_fini(struct phone *p)
{
	if (p->sync)
		adb_sync_end(p->sync);
	p->s.events->closed(p->s.arg, 0, "");
	adb_settle(host);
	for (int i = 0; i < p->n_packets; i++) {
		assert_int_equal(p->packets[i]->refs, 1);
		adb_buf_unref(p->packets[i]);
	}
	free(p->stream);
	free(p->file);
	tmp_fini(&p->tmp);
	if (!--n_phones)
		support_host_free(host);
}

/* One DATA of the file. */
static void add_data(struct phone *p, size_t n)
{
	adb_sync_put_request(p->stream + p->n_stream, ADB_SYNC_DATA, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		p->file[p->n_file + i] = adb_pattern(p->n_file + i);
	memcpy(p->stream + p->n_stream + ADB_SYNC_REQUEST, p->file + p->n_file, n);
	p->n_stream += ADB_SYNC_REQUEST + n;
	p->n_file += n;
}

static void add_done(struct phone *p)
{
	adb_sync_put_request(p->stream + p->n_stream, ADB_SYNC_DONE, 0);
	p->n_stream += ADB_SYNC_REQUEST;
}

/* The next n bytes of the stream come as a packet; false behind the last. */
static bool give(struct phone *p, size_t n)
{
	struct adb_buf *b;

	if (n > p->n_stream - p->at)
		n = p->n_stream - p->at;
	if (!n)
		return false;
	assert_true(p->n_packets < PACKETS);
	b = p->packets[p->n_packets++] = p->now = adb_buf_new((uint32_t)n);
	memcpy(b->data, p->stream + p->at, n);
	p->at += n;
	p->s.events->data(p->s.arg, b->data, n);
	p->now = NULL;
	return true;
}

static void check_file(struct phone *p)
{
	char want[LIMIT_SHA256], got[LIMIT_SHA256];
	long long bytes;

	support_until(host, is_done, p);
	assert_int_equal(p->rc, 0);
	assert_int_equal(p->bytes, p->n_file);
	tmp_write(tmp_path(&p->tmp, "want"), p->file, p->n_file);
	tmp_hash(tmp_path(&p->tmp, "want"), want, &bytes);
	tmp_hash(tmp_path(&p->tmp, "f"), got, &bytes);
	assert_string_equal(got, want);
	assert_false(tmp_exists(tmp_path(&p->tmp, "f.part")));
}

static void pull(const size_t *data, size_t n_data, size_t total, const size_t *cuts, size_t n_cuts,
	bool holds, int *ret_held)
{
	struct phone p;

	begin_pull(&p, holds);
	for (size_t i = 0; p.n_file < total; i++)
		add_data(&p, data[i % n_data]);
	add_done(&p);
	for (size_t i = 0; give(&p, cuts[i % n_cuts]); i++)
		support_step(host);
	check_file(&p);
	*ret_held = p.n_held;
	phone_fini(&p);
}

#define PULL(data, total, cuts, holds, ret_held)                                                   \
	pull(data, sizeof(data) / sizeof(data[0]), total, cuts, sizeof(cuts) / sizeof(cuts[0]),    \
		holds, ret_held)

static void long_packets_are_written_from_where_they_lie(void **state)
{
	static const size_t data[] = {65536}, cuts[] = {MIB};
	int held;

	(void)state;
	PULL(data, 5 * MIB, cuts, true, &held);
	assert_int_equal(held, 6); /* once a packet */
	PULL(data, 5 * MIB, cuts, false, &held);
	assert_int_equal(held, 0);
}

/* What there are too many pieces of is copied, and what comes behind them too. */
static void pieces_come_out_in_their_order(void **state)
{
	static const size_t small[] = {10000}, mixed[] = {65536, 10, 1, 40000, 0, 65535};
	static const size_t cuts[] = {MIB}, odd[] = {MIB, 700, 300001, 1, 8, 65544};
	int held;

	(void)state;
	PULL(small, 3 * MIB, cuts, true, &held);
	assert_int_equal(held, 4); /* packets */
	PULL(mixed, 4 * MIB, cuts, true, &held);
	assert_int_equal(held, 5);
	PULL(mixed, 4 * MIB, odd, true, &held);
	assert_true(held > 0);
}

static int n_kept(const struct phone *p)
{
	int n = 0;

	for (int i = 0; i < p->n_packets; i++)
		n += p->packets[i]->refs > 1;
	return n;
}

static void a_pull_pauses_while_four_blocks_wait(void **state)
{
	struct phone p;

	(void)state;
	begin_pull(&p, true);
	support_hold_work(host, SUPPORT_HELD);
	while (p.n_file < 7 * MIB)
		add_data(&p, 65536);
	add_done(&p);
	for (int i = 0; i < 4; i++) {
		assert_false(p.paused);
		give(&p, MIB);
	}
	assert_true(p.paused);
	assert_int_equal(n_kept(&p), 4);
	support_hold_work(host, SUPPORT_INLINE);
	adb_settle(host);
	assert_false(p.paused);
	assert_int_equal(n_kept(&p), 0);
	while (give(&p, MIB))
		adb_settle(host);
	check_file(&p);
	phone_fini(&p);
}

static void a_pull_that_ends_early_leaves_nothing(void **state)
{
	struct phone p;

	(void)state;
	begin_pull(&p, true);
	while (p.n_file < 3 * MIB)
		add_data(&p, 65536);
	give(&p, MIB);
	adb_settle(host);
	assert_true(tmp_exists(tmp_path(&p.tmp, "f.part")));
	support_hold_work(host, SUPPORT_HELD);
	give(&p, MIB);
	give(&p, MIB / 2);
	assert_int_equal(n_kept(&p), 2);
	adb_sync_end(p.sync);
	p.sync = NULL;
	assert_true(p.closed);
	support_hold_work(host, SUPPORT_INLINE);
	phone_fini(&p); /* every packet is given back */
	assert_int_equal(p.n_done, 1);
	assert_int_equal(p.rc, ERR_CANCELLED);
}

/* ---- pushes ---- */

static bool is_sent(void *arg)
{
	return ((struct phone *)arg)->sent > 3 * MIB;
}

/* Pushes to n phones at once; the longest packet that one of them got. */
static size_t push_to(int n)
{
	static const uint8_t okay[ADB_SYNC_REQUEST] = "OKAY";
	static struct phone phones[64];
	size_t longest = 0;

	for (int i = 0; i < n; i++) {
		struct adb_sync_push file = {.dst = "/f", .mode = 0644, .bytes = 3 * MIB};

		phone_init(&phones[i]);
		file.src = tmp_path(&phones[i].tmp, "f");
		tmp_write(file.src, phones[i].file, 3 * MIB);
		assert_int_equal(adb_sync_push(phones[i].sync, &file, done, &phones[i]), 0);
	}
	for (int i = 0; i < n; i++) {
		phones[i].opened(phones[i].s.arg);
		support_until(host, is_sent, &phones[i]);
		adb_settle(host);
	}
	for (int i = 0; i < n; i++) {
		phones[i].s.events->data(phones[i].s.arg, okay, sizeof(okay));
		assert_int_equal(phones[i].n_done, 1);
		assert_int_equal(phones[i].rc, 0);
		longest = phones[i].longest > longest ? phones[i].longest : longest;
		phone_fini(&phones[i]);
	}
	return longest;
}

static void many_pushes_at_once_have_shorter_packets(void **state)
{
	(void)state;
	assert_in_range(push_to(32), MIB - 4096, MIB);
	assert_in_range(push_to(33), MIB / 4 - 4096, MIB / 4);
	assert_in_range(push_to(1), MIB - 4096, MIB); /* what is over does not count */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_packets_are_written_from_where_they_lie),
		cmocka_unit_test(pieces_come_out_in_their_order),
		cmocka_unit_test(a_pull_pauses_while_four_blocks_wait),
		cmocka_unit_test(a_pull_that_ends_early_leaves_nothing),
		cmocka_unit_test(many_pushes_at_once_have_shorter_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
