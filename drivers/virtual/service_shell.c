/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shell:, exec:, abb: and abb_exec:, which are one thing: a program in the phone whose standard
 * streams are a stream of ADB. Version 2 of the shell protocol wraps them, keeps stderr apart, has an
 * exit status and a way to close stdin; the others have none of it.
 *
 * When the peer closes a stream of version 2, the shell alone gets SIGHUP and its children go on; a
 * program of exec: or of version 1 hears nothing but the end of its pipes. That is what adbd does.
 */
#include "drivers/virtual/service.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/banner.h"
#include "drivers/adb/mux.h"
#include "drivers/adb/shell2.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/pump.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"

#define PIPE_BYTES (1024 * 1024)
#define TERM_MAX   64
#define EXITED     0x80 /* or'ed with the signal: how version 2 tells a death */

struct shell {
	struct phone *phone;
	struct adb_stream *stream;
	struct driver_host *h;
	uint32_t max, run;
	bool v2, pty, exited, finished;
	int status, master; /* master: to set the window's size; the pumps have copies */
	struct pump_in in;
	struct pump_out out, err;
	struct adb_shell2_parser parser;
};

struct request {
	bool v2, pty, raw_tty, argv;
	char term[TERM_MAX];
	const char *text;
	size_t n;
};

/* ---- the end ---- */

static uint8_t exit_byte(int status)
{
	return WIFSIGNALED(status) ? (uint8_t)(EXITED | WTERMSIG(status))
	                           : (uint8_t)WEXITSTATUS(status);
}

/* adbd tells the status once both streams have ended and the process too. */
static void maybe_finish(struct shell *sh)
{
	struct stream *s = adb_stream_base(sh->stream);
	uint8_t packet[ADB_SHELL2_HEADER + 1];

	if (sh->finished || !pump_out_done(&sh->out) || !pump_out_done(&sh->err) ||
		(sh->v2 && !sh->exited))
		return;
	sh->finished = true;
	if (sh->v2) {
		adb_shell2_put(packet, ADB_SHELL2_EXIT, 1);
		packet[ADB_SHELL2_HEADER] = exit_byte(sh->status);
		s->ops->write(s, packet, sizeof(packet));
	}
	adb_stream_finish(sh->stream);
}

static void output_ended(void *arg)
{
	maybe_finish(arg);
}

static void run_exited(void *arg, int status)
{
	struct shell *sh = arg;

	sh->exited = true;
	sh->status = status;
	sh->run = 0;
	maybe_finish(sh);
}

static void run_started(void *arg, int master)
{
	struct shell *sh = arg;
	struct stream *s = adb_stream_base(sh->stream);

	if (!sh->pty)
		return;
	sh->master = master;
	pump_in_start(&sh->in, sh->h, fcntl(master, F_DUPFD_CLOEXEC, 3), sh->stream);
	pump_out_start(&sh->out, sh->h, fcntl(master, F_DUPFD_CLOEXEC, 3), sh->stream, sh->max,
		sh->v2 ? ADB_SHELL2_STDOUT : -1, output_ended, sh);
	s->ops->pause(s, false);
}

static const struct space_run_events run_events = {.started = run_started, .exited = run_exited};

/* ---- what the peer sends ---- */

static void set_window(struct shell *sh, const uint8_t *data, size_t n)
{
	struct winsize ws = {0};
	char text[64];

	str_copy_clean(text, sizeof(text), (const char *)data, n);
	if (sh->master >= 0 && sscanf(text, "%hux%hu,%hux%hu", &ws.ws_row, &ws.ws_col,
				       &ws.ws_xpixel, &ws.ws_ypixel) >= 2)
		ioctl(sh->master, TIOCSWINSZ, &ws);
}

static int piece(void *arg, uint8_t id, const uint8_t *data, size_t n, int end)
{
	struct shell *sh = arg;

	if (id == ADB_SHELL2_STDIN)
		pump_in_data(&sh->in, data, n);
	else if (id == ADB_SHELL2_CLOSE_STDIN && !sh->pty)
		pump_in_finish(&sh->in);
	else if (id == ADB_SHELL2_WINDOW && end) /* a split one is a peer's fancy; it asks again */
		set_window(sh, data, n);
	return 0;
}

static void shell_data(void *arg, const uint8_t *data, size_t n)
{
	struct shell *sh = arg;

	if (!sh->v2)
		pump_in_data(&sh->in, data, n);
	else if (adb_shell2_feed(&sh->parser, data, n, piece, sh))
		adb_stream_base(sh->stream)->ops->close(adb_stream_base(sh->stream));
}

static void shell_drained(void *arg)
{
	struct shell *sh = arg;

	pump_out_resume(&sh->out);
	pump_out_resume(&sh->err);
}

static void shell_closed(void *arg, int code, const char *text)
{
	struct shell *sh = arg;

	(void)code;
	(void)text;
	pump_in_stop(&sh->in);
	pump_out_stop(&sh->out);
	pump_out_stop(&sh->err);
	if (sh->master >= 0)
		close(sh->master);
	if (sh->run)
		phone_leave_run(sh->phone, sh->run, sh->v2 ? SIGHUP : 0);
	phone_service(sh->phone, -1);
	mem_free(sh);
}

static const struct stream_events shell_events = {
	.data = shell_data, .drained = shell_drained, .closed = shell_closed};

/* ---- start ---- */

static int make_pipe(int ret_fd[2])
{
	if (pipe2(ret_fd, O_CLOEXEC)) {
		ret_fd[0] = ret_fd[1] = -1;
		return -1;
	}
	fcntl(ret_fd[0], F_SETPIPE_SZ, PIPE_BYTES); /* only for speed */
	return 0;
}

static void close_all(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void connect_pumps(struct shell *sh, int in, int out, int err)
{
	pump_in_start(&sh->in, sh->h, in, sh->stream);
	pump_out_start(&sh->out, sh->h, out, sh->stream, sh->max, sh->v2 ? ADB_SHELL2_STDOUT : -1,
		output_ended, sh);
	if (err >= 0)
		pump_out_start(&sh->err, sh->h, err, sh->stream, sh->max, ADB_SHELL2_STDERR,
			output_ended, sh);
}

static bool run_with_pipes(struct shell *sh, struct space_run *r)
{
	int in[2], out[2], err[2] = {-1, -1};
	bool ok = !make_pipe(in);

	ok = !make_pipe(out) && ok;
	if (sh->v2)
		ok = !make_pipe(err) && ok;
	r->fds[0] = in[0];
	r->fds[1] = out[1];
	r->fds[2] = sh->v2 ? err[1] : out[1];
	sh->run = ok ? space_run(phone_space(sh->phone), r, &run_events, sh) : 0;
	close_all((int[]){in[0], out[1], err[1]}, 3);
	if (!sh->run) {
		close_all((int[]){in[1], out[0], err[0]}, 3);
		return false;
	}
	connect_pumps(sh, in[1], out[0], err[0]);
	return true;
}

static bool start(struct session *s, struct adb_stream *st, const struct request *rq)
{
	struct shell *sh;
	struct space_run r = {.text = rq->text,
		.n = rq->n,
		.term = rq->term,
		.argv = rq->argv,
		.pty = rq->pty,
		.raw = rq->raw_tty};
	bool ok;

	if (!phone_space(session_phone(s)))
		return false;
	sh = mem_zalloc(sizeof(*sh));
	*sh = (struct shell){.phone = session_phone(s),
		.stream = st,
		.h = session_host(s),
		.max = session_max_payload(s),
		.v2 = rq->v2,
		.pty = rq->pty,
		.master = -1,
		.in = {.fd = -1},
		.out = {.fd = -1},
		.err = {.fd = -1}};
	adb_shell2_init(&sh->parser);
	if (sh->pty) {
		sh->run = space_run(phone_space(sh->phone), &r, &run_events, sh);
		ok = sh->run != 0;
	} else {
		ok = run_with_pipes(sh, &r);
	}
	if (!ok) {
		mem_free(sh);
		return false;
	}
	phone_service(sh->phone, 1);
	adb_stream_accept(st, &shell_events, sh);
	if (sh->pty) /* until there is a terminal to write to */
		adb_stream_base(st)->ops->pause(adb_stream_base(st), true);
	return true;
}

/* ---- the services ---- */

/* ",v2,TERM=xterm,raw" */
static void read_options(struct request *rq, const char *p, const char *end, bool *ret_type)
{
	while (p < end) {
		size_t n = strcspn(++p, ",:");

		if (n == 2 && !memcmp(p, "v2", 2))
			rq->v2 = true;
		else if (n == 3 && (!memcmp(p, "raw", 3) || !memcmp(p, "pty", 3))) {
			rq->pty = *p == 'p';
			*ret_type = true;
		} else if (n > 5 && !memcmp(p, "TERM=", 5))
			str_copy_clean(rq->term, sizeof(rq->term), p + 5, n - 5);
		p += n;
	}
}

bool service_shell(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	const char *colon = memchr(rest, ':', n);
	struct request rq = {0};
	bool has_type = false;

	if (!colon)
		return false;
	read_options(&rq, rest, colon, &has_type);
	if (rq.v2 && !session_has(s, ADB_F_SHELL_V2))
		return false;
	rq.text = colon + 1;
	rq.n = n - (rq.text - rest);
	if (!has_type) /* an interactive one gets a terminal */
		rq.pty = !rq.n;
	return start(s, st, &rq);
}

bool service_exec(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct request rq = {.text = rest + 1, .n = n - 1};

	return n > 1 && *rest == ':' && start(s, st, &rq);
}

/* "package\0install\0…": the command `cmd`, without a shell between. */
static bool start_cmd(struct session *s, struct adb_stream *st, const char *rest, size_t n, bool v2)
{
	static const char cmd[] = "/system/bin/cmd";
	char *text;
	struct request rq = {.v2 = v2, .argv = true};
	bool ok;

	if (n < 2 || *rest != ':')
		return false;
	text = mem_alloc(sizeof(cmd) + n);
	memcpy(text, cmd, sizeof(cmd));
	memcpy(text + sizeof(cmd), rest + 1, n - 1);
	text[sizeof(cmd) + n - 1] = '\0';
	rq.text = text;
	rq.n = sizeof(cmd) + n;
	ok = start(s, st, &rq);
	mem_free(text);
	return ok;
}

bool service_abb(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	return session_has(s, ADB_F_ABB) && start_cmd(s, st, rest, n, true);
}

bool service_abb_exec(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	return session_has(s, ADB_F_ABB_EXEC) && start_cmd(s, st, rest, n, false);
}
