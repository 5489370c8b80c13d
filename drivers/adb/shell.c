/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on a phone; see shell.h. */
#include "drivers/adb/shell.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/mux.h"
#include "drivers/adb/shell2.h"

#define INPUT_MAX (64 * 1024) /* what a command may be fed */

/* What the old shell prints behind a command: it has no other way to tell the status. The mark is
 * odd enough not to be a command's own last line. */
#define STATUS_MARK "framefarm-status:"

struct adb_shell {
	struct stream *stream;
	bool v2, exited, cancelled;
	struct adb_shell2_parser parser;
	struct adb_shell_result r;
	struct buf input; /* framed; what is left to write */
	size_t written;
	void (*sink)(void *arg, const uint8_t *data, size_t n);
	void (*done)(void *arg, int rc, const char *text, struct adb_shell_result *r);
	void *arg;
	int rc; /* why we ended it ourselves */
};

int adb_quote(struct buf *b, const char *text)
{
	int rc = buf_puts(b, "'");

	for (; !rc && *text; text++)
		rc = *text == '\'' ? buf_puts(b, "'\\''") : buf_put(b, text, 1);
	return rc ? rc : buf_puts(b, "'");
}

/* ---- output ---- */

static void keep(struct adb_shell *s, struct buf *b, const uint8_t *data, size_t n)
{
	size_t room = b->max - b->len;

	if (s->sink) {
		s->sink(s->arg, data, n);
		return;
	}
	s->r.cut |= n > room;
	buf_put(b, data, n < room ? n : room);
}

static int on_piece(void *arg, uint8_t id, const uint8_t *data, size_t n, int end)
{
	struct adb_shell *s = arg;

	(void)end;
	if (id == ADB_SHELL2_STDOUT && n)
		keep(s, &s->r.out, data, n);
	else if (id == ADB_SHELL2_STDERR && n)
		keep(s, &s->r.err, data, n);
	else if (id == ADB_SHELL2_EXIT && n) {
		s->exited = true;
		s->r.exit_code = data[n - 1];
	}
	return 0;
}

static void end_with(struct adb_shell *s, int rc)
{
	if (!s->rc)
		s->rc = rc;
	s->stream->ops->close(s->stream);
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct adb_shell *s = arg;

	if (!s->v2)
		keep(s, &s->r.out, data, n);
	else if (adb_shell2_feed(&s->parser, data, n, on_piece, s))
		end_with(s, ERR_PROTO);
}

/* ---- input ---- */

static void feed(void *arg)
{
	struct adb_shell *s = arg;
	size_t left = s->input.len - s->written;

	if (left)
		s->written += s->stream->ops->write(s->stream, s->input.data + s->written, left);
}

/* Framed once: the input, then its end. Without input the end comes at once, since a command that
 * reads would wait for ever. */
static void frame_input(struct adb_shell *s, const struct adb_shell_config *cfg)
{
	uint8_t head[ADB_SHELL2_HEADER];

	if (cfg->n_input) {
		adb_shell2_put(head, ADB_SHELL2_STDIN, cfg->n_input);
		buf_put(&s->input, head, sizeof(head));
		buf_put(&s->input, cfg->input, cfg->n_input);
	}
	adb_shell2_put(head, ADB_SHELL2_CLOSE_STDIN, 0);
	buf_put(&s->input, head, sizeof(head));
}

static void on_opened(void *arg)
{
	struct adb_shell *s = arg;

	if (s->v2)
		feed(s);
}

/* ---- the end ---- */

static void drop_returns(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\r' || i + 1 == b->len || b->data[i + 1] != '\n')
			b->data[to++] = b->data[i];
	b->len = to;
}

/* The mark is the last line, unless output was cut before it came. */
static void find_status(struct adb_shell *s)
{
	struct buf *b = &s->r.out;
	size_t n = strlen(STATUS_MARK);
	int64_t v;

	drop_returns(b);
	while (b->len && b->data[b->len - 1] == '\n')
		b->len--;
	for (size_t at = b->len; at-- > 0;) {
		if ((at && b->data[at - 1] != '\n') || b->len - at <= n ||
			memcmp(b->data + at, STATUS_MARK, n) != 0)
			continue;
		s->exited = str_to_i64(buf_text(b) + at + n, &v) && v >= 0 && v <= 255;
		s->r.exit_code = s->exited ? (int)v : -1;
		b->len = at ? at - 1 : 0; /* the newline before it is ours */
		return;
	}
}

static int outcome(struct adb_shell *s, int code, const char **text)
{
	if (s->rc == ERR_PROTO) {
		*text = "the phone broke the shell protocol";
		return ERR_PROTO;
	}
	if (s->exited)
		return 0;
	if (s->rc) {
		*text = err_name(s->rc);
		return s->rc;
	}
	if (code == ERR_NOTFOUND) {
		*text = "the phone does not open a shell";
		return ERR_UNSUPPORTED;
	}
	if (code)
		return code;
	*text = "the command ended without a status: it was killed, or the phone lost it";
	return ERR_IO;
}

static void on_closed(void *arg, int code, const char *text)
{
	struct adb_shell *s = arg;
	int rc;

	if (!s->v2)
		find_status(s);
	rc = outcome(s, code, &text);
	s->done(s->arg, rc, text, &s->r);
	buf_fini(&s->input);
	buf_fini(&s->r.out);
	buf_fini(&s->r.err);
	mem_free(s);
}

static const struct stream_events events = {.data = on_data, .drained = feed, .closed = on_closed};

/* ---- the start ---- */

static int service_name(const struct adb_conn *c, const char *script, struct buf *b)
{
	if (adb_conn_has(c, ADB_F_SHELL_V2))
		return buf_printf(b, "shell,v2,TERM=dumb,raw:%s", script);
	/* The parentheses keep an `exit` inside from taking the mark with it. */
	return buf_printf(b, "shell:(%s\n); r=$?; echo; echo " STATUS_MARK "$r", script);
}

struct adb_shell *adb_shell_run(struct adb_conn *c, const struct adb_shell_config *cfg,
	void (*done)(void *arg, int rc, const char *text, struct adb_shell_result *r), void *arg,
	struct err *e)
{
	struct adb_shell *s;
	struct buf service;
	bool v2 = adb_conn_has(c, ADB_F_SHELL_V2);

	if (cfg->n_input && !v2) {
		err_set(e, ERR_UNSUPPORTED, "the phone's old shell takes no input");
		return NULL;
	}
	if (cfg->n_input > INPUT_MAX) {
		err_set(e, ERR_TOOBIG, "a command takes at most %d bytes of input", INPUT_MAX);
		return NULL;
	}
	buf_init(&service, ADB_SERVICE_MAX);
	if (service_name(c, cfg->script, &service)) {
		err_set(e, ERR_TOOBIG, "a command has at most %d bytes", ADB_SERVICE_MAX - 64);
		buf_fini(&service);
		return NULL;
	}
	s = mem_zalloc(sizeof(*s));
	s->v2 = v2;
	s->r.exit_code = -1;
	s->sink = cfg->sink;
	s->done = done;
	s->arg = arg;
	buf_init(&s->input, INPUT_MAX + 64);
	buf_init(&s->r.out, cfg->output_max);
	buf_init(&s->r.err, cfg->output_max);
	adb_shell2_init(&s->parser);
	if (v2)
		frame_input(s, cfg);
	s->stream =
		c->ops->open(c, (const char *)service.data, service.len, &events, on_opened, s, e);
	buf_fini(&service);
	if (s->stream)
		return s;
	buf_fini(&s->input);
	mem_free(s);
	return NULL;
}

void adb_shell_cancel(struct adb_shell *s)
{
	end_with(s, ERR_CANCELLED);
}
