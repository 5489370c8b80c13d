/* SPDX-License-Identifier: Apache-2.0 */
/*
 * START and STOP: the agent on the phone, detached from the shell that starts it, listening on an
 * abstract socket with a random name. The secret is pushed as a file (a process's arguments can be
 * read by anybody on the phone, and the old shell has no clean stdin), and stays beside the agent so
 * that a controller which was started anew can talk to an agent that runs. It lies in a directory
 * that only the shell's user may enter.
 *
 * An agent that runs is kept: the new one ends with 3 when another has the directory.
 */
#include "drivers/adb/adb.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define OUTPUT_MAX     8192
#define SECRET         32
#define HEX            (2 * SECRET + 1)
#define CODE_RUNNING   3
#define CODE_NOT_FOUND 127
#define CODE_NO_EXEC   126
#define SIGNAL_BASE    128

struct start {
	char name[40]; /* of the new agent's socket */
	char hex[HEX];
	bool retried;
};

/* Behind the endpoint stands whose it is: number and start (proc(5), stat 22) of the agent's process. A
 * start that was cut off behind the agent's leaves the notes of an older agent beside a new one, whose
 * secret nobody knows any more. */
static const char script[] =
	"cd %s || exit 90\n"
	"who() { read p <agent.pid && read s </proc/$p/stat && set -- ${s##*) } && echo $p-${20}; "
	"}\n"
	"umask 077; chmod 600 agent.secret.new agent.hex.new || exit 90\n"
	"%s/files/%s --dir=%s --listen=abstract:%s --secret-file=%s/agent.secret.new%s "
	"</dev/null >start.log 2>&1\n"
	"r=$?\n"
	"if [ $r = 0 ]; then mv -f agent.secret.new agent.secret; mv -f agent.hex.new agent.hex\n"
	"  echo abstract:%s $(who) >agent.endpoint\n"
	"else rm -f agent.secret.new agent.hex.new; fi\n"
	"if [ $r = 0 ] || [ $r = 3 ]; then read e w <agent.endpoint; t=$(who)\n"
	"  if [ \"${w:-$t}\" = \"$t\" ]; then cat agent.hex; echo; echo $e; fi; fi\n"
	"tail -n 3 start.log 2>/dev/null || cat start.log\n"
	"exit $r";

static int begin(struct adb_op *o, struct err *e);

/* ---- what came of it ---- */

static bool from_hex(const char *hex, uint8_t dst[SECRET])
{
	for (int i = 0; i < SECRET; i++) {
		unsigned v;

		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			return false;
		dst[i] = (uint8_t)v;
	}
	return true;
}

/* Two lines: the secret in force, and where the agent listens. */
static bool read_answer(struct adb_op *o, struct adb_shell_result *r)
{
	const char *text = buf_text(&r->out), *nl = strchr(text, '\n');
	size_t n;

	if (!nl || nl - text < HEX - 1 || strspn(text, "0123456789abcdef") < HEX - 1)
		return false;
	text += strspn(text, "0123456789abcdef");
	text += strspn(text, "\n");
	n = strcspn(text, "\n");
	if (n < 10 || n >= LIMIT_VALUE || strncmp(text, "abstract:", 9) != 0)
		return false;
	str_copy_clean(o->op->result.start.endpoint, LIMIT_VALUE, text, n);
	return from_hex(buf_text(&r->out), o->op->in.start.secret);
}

static void explain(struct adb_op *o, struct adb_shell_result *r)
{
	char said[LIMIT_CAUSE / 2];

	adb_op_said(r, said, sizeof(said));
	if (r->exit_code == CODE_NO_EXEC)
		adb_op_fail(o, ERR_PERM,
			"the phone does not run the agent: is it for another ABI, or is %.60s "
			"mounted noexec? It says: %.80s",
			o->dev->workdir, said);
	else if (r->exit_code == CODE_NOT_FOUND)
		adb_op_fail(o, ERR_NOTFOUND, "the agent was not pushed, or is for another ABI: %s",
			said);
	else if (r->exit_code > SIGNAL_BASE)
		adb_op_fail(o, ERR_IO, "the agent was killed by signal %d at its start; %s",
			r->exit_code - SIGNAL_BASE, said);
	else
		adb_op_fail(
			o, ERR_IO, "the agent ended with %d at its start: %s", r->exit_code, said);
}

static void restart(struct adb_op *o, struct adb_shell_result *r);

static void started(struct adb_op *o, struct adb_shell_result *r)
{
	struct start *s = o->data;
	struct err e = {0};

	if (r->exit_code && r->exit_code != CODE_RUNNING) {
		explain(o, r);
		return;
	}
	if (read_answer(o, r)) {
		o->op->result.start.running = r->exit_code == CODE_RUNNING;
		adb_op_finish(o, 0);
		return;
	}
	/* One runs, but its secret is lost: it is of no use to anybody, and nothing runs under it. */
	if (!s->retried) {
		char text[1024];

		s->retried = true;
		adb_stop_script(o->dev, text, sizeof(text));
		adb_op_step(o, adb_op_shell(o, text, OUTPUT_MAX, restart, &e), &e);
		return;
	}
	adb_op_fail(o, ERR_PROTO, "the agent started, but did not say where it listens");
}

static void restart(struct adb_op *o, struct adb_shell_result *r)
{
	struct err e = {0};

	(void)r;
	adb_op_step(o, begin(o, &e), &e);
}

/* ---- the way there ---- */

static int options(const struct adb_op *o, struct buf *b)
{
	const struct driver_dev *d = o->dev;
	int rc = 0;

	if (*d->root)
		rc = buf_printf(b, " --root=%s", d->root);
	if (!rc && *d->clock)
		rc = buf_printf(b, " --clock-page=%s", d->clock);
	for (int i = 0; !rc && i < 16 && o->op->in.start.options[i]; i++) {
		rc = buf_puts(b, " ");
		if (!rc)
			rc = adb_quote(b, o->op->in.start.options[i]);
	}
	return rc;
}

static void run_agent(struct adb_op *o)
{
	const struct driver_dev *d = o->dev;
	const struct start *s = o->data;
	struct buf opts, b;
	struct err e = {0};
	int rc;

	buf_init(&opts, ADB_SCRIPT_MAX);
	buf_init(&b, ADB_SCRIPT_MAX);
	rc = options(o, &opts);
	if (!rc)
		rc = buf_printf(&b, script, d->workdir, d->workdir, o->op->in.start.agent_sha256,
			d->workdir, s->name, d->workdir, buf_text(&opts), s->name);
	if (rc)
		err_set(&e, rc, "the agent's options are too long");
	else
		rc = adb_op_shell(o, buf_text(&b), OUTPUT_MAX, started, &e);
	buf_fini(&opts);
	buf_fini(&b);
	adb_op_step(o, rc, &e);
}

static void on_hex_pushed(void *arg, const struct adb_sync_done *d)
{
	struct adb_op *o = arg;

	if (d->rc) {
		adb_op_sync_failed(o, d);
		return;
	}
	run_agent(o);
}

/* The second transfer's end tells of both. */
static void on_secret_pushed(void *arg, const struct adb_sync_done *d)
{
	(void)arg;
	(void)d;
}

static int push_bytes(
	struct adb_op *o, const char *name, const void *data, size_t n, adb_sync_fn done)
{
	char path[DRIVER_PATH_MAX];
	struct adb_sync_push p = {
		.data = data, .n = n, .dst = path, .mode = 0600, .bytes = (int64_t)n};

	snprintf(path, sizeof(path), "%s/%s", o->dev->workdir, name);
	return adb_sync_push(o->sync, &p, done, o);
}

static int begin(struct adb_op *o, struct err *e)
{
	struct start *s = o->data;
	uint8_t random[8];
	char hex[2 * sizeof(random) + 1];
	int rc;

	hash_random(random, sizeof(random));
	str_hex(hex, random, sizeof(random));
	snprintf(s->name, sizeof(s->name), "framefarm-%s", hex);
	str_hex(s->hex, o->op->in.start.secret, SECRET);
	rc = adb_op_sync(o, e);
	if (!rc)
		rc = push_bytes(
			o, "agent.secret.new", o->op->in.start.secret, SECRET, on_secret_pushed);
	if (!rc)
		rc = push_bytes(o, "agent.hex.new", s->hex, HEX - 1, on_hex_pushed);
	return rc;
}

int adb_start_check(const struct driver_dev *d, const struct driver_op *op, struct err *e)
{
	if (!*d->workdir)
		return err_set(e, ERR_WRONGSTATE, "the phone was not identified yet");
	if (!str_is_sha256(op->in.start.agent_sha256))
		return err_set(e, ERR_INVAL, "the agent is named by its SHA-256");
	if (d->n_of[DRIVER_OP_START] || d->n_of[DRIVER_OP_STOP] || d->n_of[DRIVER_OP_CLEAN])
		return err_set(e, ERR_BUSY, "the phone's agent is being started or stopped");
	return 0;
}

int adb_start(struct adb_op *o, struct err *e)
{
	o->data = mem_zalloc(sizeof(struct start));
	return begin(o, e);
}

void adb_start_release(struct adb_op *o)
{
	if (o->data)
		memset(o->data, 0, sizeof(struct start));
	mem_free(o->data);
}
