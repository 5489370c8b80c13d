/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come over a shell. The first byte chooses what they meet: the parser of version 2, which
 * however they are cut hands out the same data under the same ids; or a command that we run on a phone,
 * with version 2 or with the old shell, whose end comes once and says what can be. Any text is one word
 * once we have quoted it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "drivers/adb/shell.h"
#include "drivers/adb/shell2.h"
#include "fuzz.h"

struct heard {
	uint32_t hash, ends;
};

/* ---- the parser alone ---- */

static int piece(void *arg, uint8_t id, const uint8_t *data, size_t n, int end)
{
	struct heard *h = arg;

	CHECK(id <= ADB_SHELL2_WINDOW && (n || end));
	for (size_t i = 0; i < n; i++)
		h->hash = h->hash * 31 + data[i] + id * 1000u;
	h->ends += end ? 1 : 0;
	return 0;
}

static int walk(const uint8_t *data, size_t size, size_t step, struct heard *h)
{
	struct adb_shell2_parser p;
	int rc = 0;

	adb_shell2_init(&p);
	for (size_t at = 0; at < size && !rc; at += step) {
		size_t n = size - at < step ? size - at : step;
		uint8_t *copy = malloc(n);

		memcpy(copy, data + at, n);
		rc = adb_shell2_feed(&p, copy, n, piece, h);
		free(copy);
	}
	return rc;
}

static void parse(const uint8_t *data, size_t size, size_t step)
{
	struct heard whole = {0}, cut = {0};
	int rc = size ? walk(data, size, size, &whole) : 0;

	CHECK(!rc || rc == ERR_PROTO);
	CHECK(walk(data, size, step, &cut) == rc);
	CHECK(whole.hash == cut.hash && whole.ends == cut.ends);
}

/* ---- a command on a phone ---- */

#define OUTPUT_MAX 64
#define INPUT      "input"

struct command {
	struct adb_conn conn; /* first */
	struct stream stream; /* the one that it is given */
	void (*opened)(void *arg);
	bool open, closing, ended, v2;
	uint8_t wrote[128];   /* to the phone */
	size_t n_wrote, most; /* of one write */
	size_t sunk;
};

static struct command *command;

static size_t on_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s;
	n = n < command->most ? n : command->most;
	CHECK(command->open && n <= sizeof(command->wrote) - command->n_wrote);
	memcpy(command->wrote + command->n_wrote, data, n);
	command->n_wrote += n;
	return n;
}

static void on_pause(struct stream *s, bool on)
{
	(void)s;
	(void)on;
	CHECK(command->open);
}

static void on_close(struct stream *s)
{
	(void)s;
	CHECK(command->open);
	command->closing = true;
}

static const struct stream_ops stream_ops = {on_write, on_pause, on_close};

static struct stream *on_open(struct adb_conn *c, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e)
{
	(void)e;
	CHECK(n > 6 && !memcmp(service, "shell", 5) && (service[5] == ',') == command->v2);
	CHECK((struct command *)c == command && opened && !command->open);
	command->stream = (struct stream){&stream_ops, events, arg};
	command->opened = opened;
	command->open = true;
	return &command->stream;
}

static const struct adb_conn_ops conn_ops = {.open = on_open};

static void sink(void *arg, const uint8_t *data, size_t n)
{
	(void)arg;
	(void)data;
	CHECK(n && !command->ended);
	command->sunk += n;
}

static void on_done(void *arg, int rc, const char *text, struct adb_shell_result *r)
{
	(void)arg;
	CHECK(!command->ended && rc <= 0);
	command->ended = true;
	CHECK(r->out.len <= OUTPUT_MAX && r->err.len <= OUTPUT_MAX);
	CHECK(r->exit_code >= -1 && r->exit_code <= 255);
	CHECK(rc ? text && *text : r->exit_code >= 0);
	CHECK(command->v2 || !r->err.len);
}

/* What it was given goes out whole, behind one header, and then its end. */
static void check_input(bool given)
{
	uint8_t want[2 * ADB_SHELL2_HEADER + sizeof(INPUT)], *at = want;

	if (given) {
		adb_shell2_put(at, ADB_SHELL2_STDIN, sizeof(INPUT) - 1);
		memcpy(at + ADB_SHELL2_HEADER, INPUT, sizeof(INPUT) - 1);
		at += ADB_SHELL2_HEADER + sizeof(INPUT) - 1;
	}
	adb_shell2_put(at, ADB_SHELL2_CLOSE_STDIN, 0);
	at += ADB_SHELL2_HEADER;
	CHECK(command->n_wrote == (size_t)(at - want));
	CHECK(!memcmp(command->wrote, want, command->n_wrote));
}

static void feed(const uint8_t *data, size_t size, size_t step)
{
	const struct stream *s = &command->stream;

	for (size_t at = 0; at < size && !command->closing; at += step) {
		size_t n = size - at < step ? size - at : step;
		uint8_t *copy = malloc(n);

		memcpy(copy, data + at, n);
		s->events->data(s->arg, copy, n);
		free(copy);
	}
}

/* flags: version 2; input; a sink; a phone that refuses; who cancels. */
static void run(const uint8_t *data, size_t size, size_t step, unsigned int flags)
{
	struct command c = {.conn = {.ops = &conn_ops}, .v2 = flags & 1, .most = step};
	struct adb_shell_config cfg = {
		.script = "ls", .output_max = OUTPUT_MAX, .sink = flags & 4 ? sink : NULL};
	struct err e = {0};
	struct adb_shell *s;

	command = &c;
	c.conn.banner.features = c.v2 ? ADB_F_SHELL_V2 : 0;
	if (flags & 2) {
		cfg.input = INPUT;
		cfg.n_input = sizeof(INPUT) - 1;
	}
	s = adb_shell_run(&c.conn, &cfg, on_done, NULL, &e);
	if (!s) {
		CHECK(!c.v2 && cfg.input && e.code == ERR_UNSUPPORTED && !c.open);
		return;
	}
	if (!(flags & 8))
		c.opened(c.stream.arg);
	for (size_t i = 0; c.v2 && !(flags & 8) && i < sizeof(c.wrote); i++)
		c.stream.events->drained(c.stream.arg);
	if (c.v2 && !(flags & 8))
		check_input(cfg.input);
	if (!(flags & 8))
		feed(data, size, step);
	if (flags & 16)
		adb_shell_cancel(s);
	CHECK(!c.ended);
	c.stream.events->closed(c.stream.arg, flags & 8 ? ERR_NOTFOUND : 0, "closed");
	CHECK(c.ended);
}

/* What a shell makes of a word that we quoted: quotes away, and what stands behind a backslash kept. */
static void quote(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *back = malloc(4 * size + 3), *to = back;
	bool inside = false;
	struct buf b;

	memcpy(text, data, size);
	text[size] = '\0';
	buf_init(&b, 0);
	CHECK(!adb_quote(&b, text));
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] == '\'')
			inside = !inside;
		else if (!inside && b.data[i] == '\\')
			*to++ = (char)b.data[++i];
		else {
			CHECK(inside);
			*to++ = (char)b.data[i];
		}
	}
	*to = '\0';
	CHECK(!inside && !strcmp(back, text));
	buf_fini(&b);
	free(back);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step;

	if (size < 2)
		return 0;
	step = data[1] % 16 + 1u;
	if (data[0] % 2)
		run(data + 2, size - 2, step, data[0] / 2);
	else
		parse(data + 2, size - 2, step);
	quote(data, size);
	return 0;
}
