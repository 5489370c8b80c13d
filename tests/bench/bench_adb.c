/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's transfers as a program, to be timed beside the stock client: connects to one phone,
 * does one thing, prints the seconds it took (from when the session stood) and what it moved.
 *
 *	bench_adb [-d] ADDRESS push FILE DST
 *	bench_adb [-d] ADDRESS pull SRC FILE
 *	bench_adb [-d] ADDRESS pushtree DIR DST     every regular file directly in DIR
 *	bench_adb [-d] ADDRESS shell N              N commands `true`, one behind the other
 *	bench_adb [-d] ADDRESS stat N               N answers of sync, one behind the other
 *
 * -d offers delayed acknowledgement. Whole processes are what is compared, so the time of the process
 * is taken by who starts it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "drivers/adb/conn.h"
#include "drivers/adb/host.h"
#include "drivers/adb/shell.h"
#include "drivers/adb/sync.h"
#include "loop/host.h"
#include "loop/loop.h"

#define FEATURES                                                                                   \
	(ADB_F_SHELL_V2 | ADB_F_CMD | ADB_F_STAT_V2 | ADB_F_LS_V2 | ADB_F_FIXED_PUSH_MKDIR |       \
		ADB_F_SENDRECV_V2)

struct bench {
	struct loop *loop;
	struct driver_host *host;
	struct adb_host *session;
	struct adb_conn *conn;
	struct adb_sync *sync;
	struct adb_host_keys keys;
	const char *what, *a, *b;
	int64_t begin_ns, bytes;
	int left, done, code;
};

static void finish(struct bench *b, int code, const char *text)
{
	double s = (double)(clock_mono_ns() - b->begin_ns) / 1e9;

	if (code)
		fprintf(stderr, "bench_adb: %s: %s\n", b->what, text);
	else
		printf("%.6f %lld %d\n", s, (long long)b->bytes, b->done);
	b->code = code ? 1 : 0;
	loop_stop(b->loop);
}

static void one_done(void *arg, const struct adb_sync_done *d)
{
	struct bench *b = arg;

	if (d->rc) {
		finish(b, d->rc, d->text);
		return;
	}
	b->bytes += d->bytes;
	b->done++;
	if (!--b->left)
		finish(b, 0, "");
}

static void push_tree(struct bench *b)
{
	DIR *dir = opendir(b->a);
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		char src[4096], dst[4096];
		struct adb_sync_push p = {.src = src, .dst = dst, .mode = 0644, .bytes = -1};

		if (de->d_type != DT_REG)
			continue;
		snprintf(src, sizeof(src), "%s/%s", b->a, de->d_name);
		snprintf(dst, sizeof(dst), "%s/%s", b->b, de->d_name);
		b->left++;
		if (adb_sync_push(b->sync, &p, one_done, b))
			exit(1);
	}
	if (dir)
		closedir(dir);
}

static void ask_again(struct bench *b);

static void command_ended(void *arg, int rc, const char *text, struct adb_shell_result *r)
{
	struct bench *b = arg;

	(void)r;
	b->done++;
	if (rc || !--b->left)
		finish(b, rc, text);
	else
		ask_again(b);
}

static void stat_done(void *arg, const struct adb_sync_done *d)
{
	struct bench *b = arg;

	b->done++;
	if (d->rc || !--b->left)
		finish(b, d->rc, d->text);
	else
		ask_again(b);
}

static void ask_again(struct bench *b)
{
	struct adb_shell_config cfg = {.script = "true", .output_max = 4096};
	struct err e = {0};

	if (!strcmp(b->what, "shell") ? !adb_shell_run(b->conn, &cfg, command_ended, b, &e)
				      : adb_sync_stat(b->sync, "/", stat_done, b))
		finish(b, ERR_IO, e.text);
}

static void begin(struct bench *b)
{
	struct adb_sync_push p = {.src = b->a, .dst = b->b, .mode = 0644, .bytes = -1};
	struct err e = {0};

	b->conn = adb_conn_direct(b->host, b->session);
	b->sync = adb_sync_new(b->conn, &e);
	b->begin_ns = clock_mono_ns();
	if (!strcmp(b->what, "push")) {
		b->left = 1;
		adb_sync_push(b->sync, &p, one_done, b);
	} else if (!strcmp(b->what, "pull")) {
		b->left = 1;
		adb_sync_pull(b->sync, b->a, b->b, INT64_MAX, 0, one_done, b);
	} else if (!strcmp(b->what, "pushtree")) {
		push_tree(b);
	} else {
		b->left = atoi(b->a);
		ask_again(b);
	}
}

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct bench *b = arg;

	if (st == ADB_HOST_ONLINE)
		begin(b);
	else if (st == ADB_HOST_UNAUTHORIZED)
		finish(b, ERR_PERM, text);
}

static void on_ended(void *arg, int code, const char *text)
{
	finish(arg, code ? code : ERR_GONE, text);
}

static const struct adb_host_events events = {on_state, on_ended};

static void no_turn(void *arg)
{
	(void)arg;
}

int main(int argc, char **argv)
{
	bool delayed = argc > 1 && !strcmp(argv[1], "-d");
	char **arg = argv + 1 + delayed;
	struct bench b = {0};
	struct adb_host_config cfg = {.features = FEATURES | (delayed ? ADB_F_DELAYED_ACK : 0),
		.max_payload = ADB_PAYLOAD_MAX,
		.keys = &b.keys};
	struct adb_link *l;
	struct host *host;
	struct err e = {0};

	if (argc - delayed < 4) {
		fprintf(stderr, "usage: bench_adb [-d] ADDRESS push|pull|pushtree|shell|stat …\n");
		return 2;
	}
	b.what = arg[1];
	b.a = arg[2];
	b.b = arg[3];
	b.loop = loop_new(&e);
	host = b.loop ? host_new(b.loop) : NULL;
	b.host = host ? host_drivers(host) : NULL;
	l = b.host ? adb_link_tcp_connect(b.host, arg[0], &e) : NULL;
	if (!l) {
		fprintf(stderr, "bench_adb: %s\n", e.text);
		return 1;
	}
	b.session = adb_host_new(b.host, l, &cfg, &events, &b);
	loop_run(b.loop, no_turn, NULL);
	return b.code; /* what is open ends with the process */
}
