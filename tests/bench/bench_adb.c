/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's transfers as a program, to be timed beside the stock client: connects to phones, does
 * one thing with each, all in one loop, and prints a line for each in the order of the command line:
 * the seconds it took (from when the session stood), the bytes it moved and how many things it did.
 *
 *	bench_adb [-d] [-z lz4|zstd|brotli] SESSION [and SESSION]… [beside SESSION]…
 *
 *	SESSION: ADDRESS push FILE DST
 *	         ADDRESS pull SRC FILE
 *	         ADDRESS pushtree DIR DST     every regular file directly in DIR
 *	         ADDRESS shell N -            N commands `true`, one behind the other
 *	         ADDRESS stat N -             N answers of sync, one behind the other
 *
 * -d offers delayed acknowledgement, -z compresses. Those `beside` are not waited for, may fail and
 * print nothing. The time of the whole process is taken by who starts it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		ADB_F_SENDRECV_V2 | ADB_F_LZ4 | ADB_F_ZSTD | ADB_F_BROTLI)
#define SESSIONS_MAX 16

struct all {
	struct loop *loop;
	struct driver_host *host;
	uint32_t compress;
	int left; /* sessions that are waited for */
	int code;
};

struct bench {
	struct all *all;
	bool beside;
	double seconds;
	struct adb_host *session;
	struct adb_conn *conn;
	struct adb_sync *sync;
	struct adb_host_keys keys;
	const char *address, *what, *a, *b;
	int64_t begin_ns, bytes;
	int left, done;
	bool finished;
};

static void finish(struct bench *b, int code, const char *text)
{
	if (b->finished)
		return;
	b->finished = true;
	b->seconds = (double)(clock_mono_ns() - b->begin_ns) / 1e9;
	if (b->beside)
		return;
	if (code) {
		fprintf(stderr, "bench_adb: %s %s: %s\n", b->address, b->what, text);
		b->all->code = 1;
	}
	if (code || !--b->all->left)
		loop_stop(b->all->loop);
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
		struct adb_sync_push p = {.src = src,
			.dst = dst,
			.mode = 0644,
			.bytes = -1,
			.compress = b->all->compress};

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
	struct adb_sync_push p = {
		.src = b->a, .dst = b->b, .mode = 0644, .bytes = -1, .compress = b->all->compress};
	struct err e = {0};

	b->conn = adb_conn_direct(b->all->host, b->session);
	b->sync = adb_sync_new(b->conn, &e);
	b->begin_ns = clock_mono_ns();
	if (!strcmp(b->what, "push")) {
		b->left = 1;
		adb_sync_push(b->sync, &p, one_done, b);
	} else if (!strcmp(b->what, "pull")) {
		b->left = 1;
		adb_sync_pull(b->sync, b->a, b->b, INT64_MAX, b->all->compress, one_done, b);
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

static int connect_to(struct all *all, struct bench *b, bool delayed)
{
	struct adb_host_config cfg = {.features = FEATURES | (delayed ? ADB_F_DELAYED_ACK : 0),
		.max_payload = ADB_PAYLOAD_MAX,
		.keys = &b->keys};
	struct err e = {0};
	struct adb_link *l;

	b->all = all;
	l = adb_link_tcp_connect(all->host, b->address, &e);
	if (!l) {
		fprintf(stderr, "bench_adb: %s\n", e.text);
		return 1;
	}
	b->begin_ns = clock_mono_ns();
	b->session = adb_host_new(all->host, l, &cfg, &events, b);
	all->left += !b->beside;
	return 0;
}

/* SESSION and what stands before it; how many words, 0 when it is none. */
static int take_session(struct bench *b, char **arg, bool first)
{
	int at = 0;

	if (!first && arg[0]) {
		b->beside = !strcmp(arg[0], "beside");
		if (!b->beside && strcmp(arg[0], "and") != 0)
			return 0;
		at = 1;
	}
	for (int i = 0; i < 4; i++)
		if (!arg[at + i])
			return 0;
	b->address = arg[at];
	b->what = arg[at + 1];
	b->a = arg[at + 2];
	b->b = arg[at + 3];
	return at + 4;
}

static bool take_option(struct all *all, char c, bool *delayed)
{
	if (c == 'd') {
		*delayed = true;
		return true;
	}
	if (c != 'z')
		return false;
	all->compress = !strcmp(optarg, "lz4")      ? ADB_SYNC_LZ4
	                : !strcmp(optarg, "zstd")   ? ADB_SYNC_ZSTD
	                : !strcmp(optarg, "brotli") ? ADB_SYNC_BROTLI
	                                            : 0;
	return all->compress != 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench_adb [-d] [-z lz4|zstd|brotli] ADDRESS "
			"push|pull|pushtree|shell|stat A B [and|beside …]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct bench sessions[SESSIONS_MAX];
	struct all all = {0};
	bool delayed = false;
	struct host *host;
	struct err e = {0};
	int c, n = 0, at;

	while ((c = getopt(argc, argv, "+dz:")) != -1)
		if (!take_option(&all, (char)c, &delayed))
			return usage();
	for (at = optind; at < argc && n < SESSIONS_MAX; n++) {
		int words = take_session(&sessions[n], argv + at, !n);

		if (!words)
			return usage();
		at += words;
	}
	if (!n || at < argc)
		return usage();
	all.loop = loop_new(&e);
	host = all.loop ? host_new(all.loop) : NULL;
	all.host = host ? host_drivers(host) : NULL;
	if (!all.host) {
		fprintf(stderr, "bench_adb: %s\n", e.text);
		return 1;
	}
	for (int i = 0; i < n; i++)
		if (connect_to(&all, &sessions[i], delayed))
			return 1;
	loop_run(all.loop, no_turn, NULL);
	for (int i = 0; i < n && !all.code; i++)
		if (!sessions[i].beside)
			printf("%.6f %lld %d\n", sessions[i].seconds, (long long)sessions[i].bytes,
				sessions[i].done);
	return all.code; /* what is open ends with the process */
}
