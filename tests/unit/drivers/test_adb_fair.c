/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone that misbehaves costs only itself, in counts of turns of the loop: so many operations of
 * another phone take no more turns while this one floods or stalls, and in one turn it gets no more
 * than its share. How long a turn takes is then bounded; make bench measures the rate.
 */
#include "support_hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/driver_adb.h"
#include "drivers/adb/packet.h"
#include "support_tmp.h"

#define OPERATIONS 200
#define PER_TURN   1024       /* packets of one phone, as link_tcp.c has it */
#define KERNEL     (64 << 20) /* what sockets may hold, generously */

/* A phone that greets and then sends one packet without end, whatever it is told. */
struct flooder {
	struct driver_host *h;
	char address[LIMIT_NAME];
	int listener, fd;
	struct host_fd *watch;
	uint32_t command;
	uint8_t block[64 * ADB_HEADER];
	size_t at;
	int64_t sent;
	bool reads;
	bool leaves; /* as soon as it has greeted */
	int n_greeted;
};

static void put_greeting(struct flooder *f)
{
	static const char banner[] = "device::ro.product.model=Flood;features=shell_v2";
	struct adb_header h = {.command = ADB_CNXN,
		.arg0 = ADB_VERSION,
		.arg1 = ADB_PAYLOAD_MAX,
		.len = sizeof(banner) - 1,
		.sum = adb_sum(banner, sizeof(banner) - 1)};
	uint8_t head[ADB_HEADER];

	adb_header_put(head, &h);
	assert_int_equal(send(f->fd, head, sizeof(head), MSG_NOSIGNAL), sizeof(head));
	assert_int_equal(send(f->fd, banner, h.len, MSG_NOSIGNAL), h.len);
}

static void on_connection(void *arg, unsigned events)
{
	struct flooder *f = arg;

	(void)events;
	assert_int_equal(f->fd, -1); /* it is not given up meanwhile */
	f->fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	put_greeting(f);
	f->n_greeted++;
	if (!f->leaves)
		return;
	close(f->fd);
	f->fd = -1;
}

static void flooder_init(struct flooder *f, struct support_host *sh, uint32_t command)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct adb_header h = {.command = command, .arg0 = 7, .arg1 = 7777777};
	socklen_t len = sizeof(sa);

	memset(f, 0, sizeof(*f));
	f->h = support_host(sh);
	f->command = command;
	f->fd = -1;
	for (size_t i = 0; i < sizeof(f->block); i += ADB_HEADER)
		adb_header_put(f->block + i, &h);
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&sa, &len), 0);
	snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", ntohs(sa.sin_port));
	f->watch = f->h->fd_add(f->h, f->listener, HOST_FD_READ, on_connection, f);
}

static void flooder_fini(struct flooder *f)
{
	f->h->fd_del(f->h, f->watch);
	close(f->listener);
	if (f->fd >= 0)
		close(f->fd);
}

/* As much as the kernel takes. */
static void flood(struct flooder *f)
{
	uint8_t drain[4096];
	ssize_t n;

	while ((n = send(f->fd, f->block + f->at, sizeof(f->block) - f->at,
			MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
		f->sent += n;
		f->at = (f->at + (size_t)n) % sizeof(f->block);
	}
	while (f->reads && recv(f->fd, drain, sizeof(drain), MSG_DONTWAIT) > 0)
		;
}

/* Sent and read by the driver, as far as it can be told from here. */
static int64_t taken(struct flooder *f)
{
	int waits = 0;

	ioctl(f->fd, TIOCOUTQ, &waits);
	return f->sent - waits;
}

/* ---- both ---- */

struct rig {
	struct tmp tmp;
	struct support_host *sh;
	struct hostile good;
	struct flooder bad;
	int i_good, i_bad;
};

static int find(const struct rig *r, const char *address)
{
	for (int i = 0; i < support_n_arrived(r->sh); i++)
		if (strstr(support_where(r->sh, i), address))
			return i;
	fail_msg("nobody arrived at %s", address);
	return -1;
}

static void rig_init(struct rig *r, uint32_t command)
{
	struct driver_option opts[] = {{"usb", "off"}, {"address", NULL}, {"address", NULL}};

	memset(r, 0, sizeof(*r));
	tmp_init(&r->tmp);
	r->sh = support_host_new(SUPPORT_INLINE);
	hostile_init(&r->good, r->sh);
	flooder_init(&r->bad, r->sh, command);
	opts[1].value = r->good.address;
	opts[2].value = r->bad.address;
	support_start(r->sh, &driver_adb, r->tmp.dir, opts, 3);
	support_until_arrived(r->sh, 2);
	r->i_good = find(r, r->good.address);
	r->i_bad = find(r, r->bad.address);
}

static void rig_fini(struct rig *r)
{
	support_stop(r->sh);
	flooder_fini(&r->bad);
	hostile_fini(&r->good);
	support_host_free(r->sh);
	tmp_fini(&r->tmp);
}

static void exec(struct rig *r, int dev, struct driver_op *op)
{
	memset(op, 0, sizeof(*op));
	op->kind = DRIVER_OP_EXEC;
	op->dev = support_dev(r->sh, dev);
	op->in.exec.argv[0] = "x";
	assert_int_equal(support_submit(r->sh, op, NULL), 0);
}

/* The turns that the good phone's operations take, one behind the other. */
static int turns(struct rig *r, bool with_flood)
{
	struct driver_op op;
	int n = 0;

	for (int i = 0; i < OPERATIONS; i++) {
		r->good.n_streams = r->good.n_closed = 0; /* its places are used again */
		exec(r, r->i_good, &op);
		while (!support_is_done(r->sh, &op) || r->good.n_closed < r->good.n_streams) {
			if (with_flood)
				flood(&r->bad);
			support_step(r->sh);
			n++;
			assert_true(n < 100 * OPERATIONS);
		}
		assert_int_equal(op.rc, 0);
		mem_free(op.result.exec.out);
		mem_free(op.result.exec.err);
	}
	return n;
}

static void flood_beside(uint32_t command, bool reads)
{
	struct rig r;
	int64_t before;
	int alone, beside;

	rig_init(&r, command);
	r.bad.reads = reads;
	alone = turns(&r, false);
	before = taken(&r.bad);
	beside = turns(&r, true);
	assert_true(beside <= alone + alone / 10);
	/* In each turn no more than its share; the rest waits in the kernel. */
	assert_true(r.bad.sent > PER_TURN * ADB_HEADER);
	assert_true(taken(&r.bad) - before <= (int64_t)beside * PER_TURN * ADB_HEADER + KERNEL);
	assert_int_equal(support_n_gone(r.sh), 0);
	rig_fini(&r);
}

static void a_flood_that_is_passed_over(void **state)
{
	(void)state;
	flood_beside(ADB_CLSE, true);
}

/* Each wants an answer, and nobody reads the answers. */
static void a_flood_that_does_not_read(void **state)
{
	(void)state;
	flood_beside(ADB_OKAY, false);
}

static void a_flood_of_opens(void **state)
{
	(void)state;
	flood_beside(ADB_OPEN, false);
}

static bool has_gone(void *arg)
{
	return support_n_gone(((struct rig *)arg)->sh) ==
	       support_n_arrived(((struct rig *)arg)->sh) - 1;
}

/* Each greeting is an arrival, and work for the whole farm. */
static void a_phone_that_comes_and_goes(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r, ADB_CLSE);
	r.bad.leaves = true;
	shutdown(r.bad.fd, SHUT_RDWR);
	close(r.bad.fd);
	r.bad.fd = -1;
	/* In two seconds: at 0.25, 0.5 and 1 s behind one another. */
	for (int i = 0; i < 20; i++) {
		turns(&r, false);
		support_until(r.sh, has_gone, &r);
		support_advance(r.sh, 100);
	}
	assert_in_range(r.bad.n_greeted, 3, 4);
	rig_fini(&r);
}

/* What is asked of it does not end; what is asked of others does. */
static void a_phone_that_does_not_answer(void **state)
{
	struct driver_op stuck[8];
	struct rig r;
	int alone, beside;

	(void)state;
	rig_init(&r, ADB_CLSE);
	alone = turns(&r, false);
	for (int i = 0; i < 8; i++)
		exec(&r, r.i_bad, &stuck[i]);
	beside = turns(&r, false);
	assert_true(beside <= alone + alone / 10);
	for (int i = 0; i < 8; i++) {
		assert_false(support_is_done(r.sh, &stuck[i]));
		support_cancel(r.sh, &stuck[i]);
		support_until_done(r.sh, &stuck[i]);
		assert_int_equal(stuck[i].rc, ERR_CANCELLED);
	}
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_that_is_passed_over),
		cmocka_unit_test(a_flood_that_does_not_read),
		cmocka_unit_test(a_flood_of_opens),
		cmocka_unit_test(a_phone_that_comes_and_goes),
		cmocka_unit_test(a_phone_that_does_not_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
