/* SPDX-License-Identifier: Apache-2.0 */
/* See support_hostile.h. */
#include "support_hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/driver_adb.h"
#include "drivers/adb/shell2.h"

#define OUT_MAX (64 * 1024 * 1024)
#define BLOCK   60000

/* ---- out ---- */

/* As much as the stream takes of what is poured; false when that is not all, and drained() follows. */
static bool pour(struct hostile_stream *st)
{
	struct stream *base = adb_stream_base(st->s);

	while (st->pour) {
		size_t n = st->pour < 0 || st->pour > BLOCK ? BLOCK : (size_t)st->pour;
		size_t left = ADB_SHELL2_HEADER + n - st->block_at, took;
		uint8_t block[ADB_SHELL2_HEADER + BLOCK];

		adb_shell2_put(block, ADB_SHELL2_STDOUT, (uint32_t)n);
		memset(block + ADB_SHELL2_HEADER, 'x', n);
		took = base->ops->write(base, block + st->block_at, left);
		st->poured += took;
		st->block_at += took;
		if (took < left)
			return false;
		st->block_at = 0;
		if (st->pour > 0)
			st->pour -= (int64_t)n;
	}
	return true;
}

static void push(struct hostile_stream *st)
{
	struct stream *base;

	if (!st->s || !pour(st))
		return;
	base = adb_stream_base(st->s);
	if (st->out_at < st->out.len)
		st->out_at +=
			base->ops->write(base, st->out.data + st->out_at, st->out.len - st->out_at);
	if (st->out_at == st->out.len && st->finishing)
		adb_stream_finish(st->s);
}

void hostile_send(struct hostile_stream *st, const void *data, size_t n)
{
	assert_int_equal(buf_put(&st->out, data, n), 0);
	push(st);
}

void hostile_stdout(struct hostile_stream *st, const char *text)
{
	uint8_t head[ADB_SHELL2_HEADER];

	adb_shell2_put(head, ADB_SHELL2_STDOUT, (uint32_t)strlen(text));
	hostile_send(st, head, sizeof(head));
	hostile_send(st, text, strlen(text));
}

void hostile_exit(struct hostile_stream *st, int code)
{
	uint8_t head[ADB_SHELL2_HEADER + 1];

	adb_shell2_put(head, ADB_SHELL2_EXIT, 1);
	head[ADB_SHELL2_HEADER] = (uint8_t)code;
	st->finishing = true;
	hostile_send(st, head, sizeof(head));
}

void hostile_finish(struct hostile_stream *st)
{
	st->finishing = true;
	push(st);
}

void hostile_say(
	struct hostile_stream *st, const char id[4], uint32_t v, const void *data, size_t n)
{
	uint8_t head[8] = {id[0], id[1], id[2], id[3], v, v >> 8, v >> 16, v >> 24};

	hostile_send(st, head, sizeof(head));
	if (n)
		hostile_send(st, data, n);
}

/* ---- commands ---- */

static void identify(struct hostile_stream *st)
{
	const struct hostile *p = st->p;
	char text[512];

	snprintf(text, sizeof(text),
		"ff.dir=/data/local/tmp/framefarm\nff.uuid=%s\nff.uname=x86_64\n", p->uuid);
	hostile_stdout(st, text);
	if (p->junk) {
		char *junk = mem_alloc(p->junk + 1);

		memset(junk, 'j', p->junk);
		for (size_t i = 99; i < p->junk; i += 100)
			junk[i] = '\n';
		junk[p->junk] = '\0';
		hostile_stdout(st, junk);
		mem_free(junk);
	}
	snprintf(text, sizeof(text), "\n[ro.serialno]: [%s]\n[ro.product.model]: [Liar]\n",
		p->serial);
	hostile_stdout(st, text);
	hostile_exit(st, 0);
}

static void run(struct hostile_stream *st, const char *script)
{
	struct hostile *p = st->p;

	if (strstr(script, "ff.uuid")) {
		identify(st);
		return;
	}
	if (strstr(script, "probe.sh")) {
		hostile_stdout(st, "free=1000000 4096\n");
		hostile_exit(st, 0);
		return;
	}
	p->n_commands++;
	str_copy(p->last, sizeof(p->last), script);
	if (p->command)
		p->command(st, script);
	else
		hostile_exit(st, 0);
}

/* ---- the connection ---- */

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct hostile_stream *st = arg;

	if (!st->is_sync)
		return;
	buf_put(&st->in, data, n);
	if (st->p->sync)
		st->p->sync(st);
}

static void on_drained(void *arg)
{
	push(arg);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct hostile_stream *st = arg;

	(void)code;
	(void)text;
	st->s = NULL;
	st->p->n_closed++;
	buf_fini(&st->in);
	buf_fini(&st->out);
}

static const struct stream_events events = {on_data, on_drained, on_closed};

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct hostile *p = arg;
	struct hostile_stream *st = &p->streams[p->n_streams];
	const char *script = strstr(service, "raw:");

	(void)n;
	if (p->n_streams == HOSTILE_STREAMS)
		return false;
	p->n_streams++;
	*st = (struct hostile_stream){.p = p, .s = s, .is_sync = !strcmp(service, "sync:")};
	buf_init(&st->in, OUT_MAX);
	buf_init(&st->out, OUT_MAX);
	adb_stream_accept(s, &events, st);
	if (!st->is_sync)
		run(st, script ? script + 4 : service);
	return true;
}

static void on_ended(void *arg, int code, const char *text)
{
	(void)arg;
	(void)code;
	(void)text;
}

static const struct adb_device_events device_events = {.open = on_open, .ended = on_ended};

static void on_connection(void *arg, unsigned ready)
{
	struct hostile *p = arg;
	int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)ready;
	if (fd < 0)
		return;
	assert_true(p->n_old < 8);
	if (p->dev)
		p->old[p->n_old++] = p->dev;
	p->dev = adb_device_new(support_host(p->sh),
		adb_link_tcp(support_host(p->sh), fd, "tcp client", 0), &p->cfg, &device_events, p);
}

void hostile_init(struct hostile *p, struct support_host *sh)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);

	memset(p, 0, sizeof(*p));
	p->sh = sh;
	p->serial = "LIAR0001";
	p->uuid = "01234567-89ab-cdef-0123-456789abcdef";
	p->streams = mem_zalloc(HOSTILE_STREAMS * sizeof(*p->streams));
	p->cfg = (struct adb_device_config){
		.banner = {ADB_PEER_DEVICE,
			ADB_F_SHELL_V2 | ADB_F_CMD | ADB_F_STAT_V2 | ADB_F_LS_V2, "liar", "Liar",
			"liar"},
		.version = ADB_VERSION,
		.max_payload = ADB_PAYLOAD_MAX};
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(p->fd, 4), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%d", ntohs(sa.sin_port));
	p->watch =
		support_host(sh)->fd_add(support_host(sh), p->fd, HOST_FD_READ, on_connection, p);
}

static bool all_closed(void *arg)
{
	struct hostile *p = arg;

	return p->n_closed == p->n_streams;
}

void hostile_fini(struct hostile *p)
{
	support_host(p->sh)->fd_del(support_host(p->sh), p->watch);
	close(p->fd);
	if (p->dev)
		adb_device_free(p->dev);
	for (int i = 0; i < p->n_old; i++)
		adb_device_free(p->old[i]);
	support_until(p->sh, all_closed, p);
	while (support_step(p->sh))
		;
	mem_free(p->streams);
}

/* ---- the driver ---- */

int hostile_identify(struct hostile *p, int n, char key[LIMIT_KEY])
{
	struct driver_op op = {.kind = DRIVER_OP_IDENTIFY, .dev = support_dev(p->sh, n)};
	int rc = support_do(p->sh, &op);

	if (!rc)
		str_copy(key, LIMIT_KEY, op.result.identity.key);
	if (rc == ERR_CONFLICT) /* the phone that was here has done nothing */
		assert_false(op.blame_device);
	return rc;
}

void hostile_drive(struct hostile *p, const char *dir)
{
	const struct driver_option opts[] = {
		{"usb", "off"}, {"min_free_mb", "1"}, {"address", p->address}};
	struct driver_op op = {.kind = DRIVER_OP_PREPARE};
	char key[LIMIT_KEY];

	support_start(p->sh, &driver_adb, dir, opts, 3);
	support_until_arrived(p->sh, 1);
	assert_int_equal(hostile_identify(p, 0, key), 0);
	if (support_do(p->sh, &op))
		fail_msg("%s", op.text);
}
