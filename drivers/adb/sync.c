/* SPDX-License-Identifier: Apache-2.0 */
/* The sync: client: its session, its queue, and the phone's answers; see sync.h. */
#include "drivers/adb/sync_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define SERVICE "sync:"

/* Up to four packets of a push wait to be sent, of a mebibyte over TCP. Where more transfers than
 * CROWD are under way they are shorter, so that a file for 200 phones does not take 200 times as much. */
#define CROWD        32
#define CROWD_PACKET (256 * 1024)

static int n_transfers; /* sessions that have something to do; of the loop thread alone */

/* ---- the end of a request ---- */

void sync_job_done(struct sync_job *j, int rc, const char *text)
{
	struct adb_sync *s = j->s;

	TAILQ_REMOVE(&s->queue, j, link);
	if (!--s->n_jobs)
		n_transfers--;
	if (!j->complete && j->in_tx)
		TAILQ_REMOVE(&s->tx.jobs, j, tx_link);
	else if (!j->complete)
		TAILQ_REMOVE(&s->waiting, j, tx_link);
	j->result.rc = rc;
	j->result.text = rc ? text : "";
	j->done(j->arg, &j->result);
	sync_fill_drop(j);
	mem_free(j->pull);
	mem_free(j->path);
	mem_free(j->src);
	mem_free(j);
}

/* Every request that is left ends with what ended the session; then the session is freed. Only when
 * nothing of it is on the pool, and on a timer of its own, so that done() never comes from inside a
 * call. */
static void reap(void *arg)
{
	struct adb_sync *s = arg;
	struct sync_job *j;

	s->reap = NULL;
	s->reaping = true;
	while ((j = TAILQ_FIRST(&s->queue))) {
		if (j->pull)
			sync_pull_drop(j);
		sync_job_done(j, s->rc, s->text);
	}
	s->reaping = false;
	if (!s->ended)
		return; /* its user still holds it, and is told at its next request */
	adb_buf_unref(s->out);
	adb_conn_unref(s->conn);
	mem_free(s);
}

void sync_check_end(struct adb_sync *s)
{
	if (!s->rc || s->stream || s->filling || s->n_writes || s->reap || s->reaping)
		return;
	if (s->ended || !TAILQ_EMPTY(&s->queue))
		s->reap = s->host->timer_add(s->host, s->host->now_ms(s->host), reap, s);
}

void sync_fail(struct adb_sync *s, int rc, const char *text)
{
	if (!s->rc) {
		s->rc = rc;
		str_copy(s->text, sizeof(s->text), text);
	}
	if (s->stream && !s->closing) {
		s->closing = true;
		s->stream->ops->close(s->stream);
	}
	sync_check_end(s);
}

void adb_sync_end(struct adb_sync *s)
{
	static const char quit[ADB_SYNC_REQUEST] = "QUIT";

	s->ended = true;
	if (s->stream && !s->closing && TAILQ_EMPTY(&s->queue) && s->opened && !s->out) {
		s->stream->ops->write(s->stream, (const uint8_t *)quit, sizeof(quit));
		s->rc = s->rc ? s->rc : ERR_CANCELLED;
		s->closing = true;
		s->conn->ops->finish(s->conn, s->stream);
	}
	sync_fail(s, ERR_CANCELLED, "cancelled");
}

/* ---- answers ---- */

static int code_of_text(const char *text)
{
	static const struct {
		const char *word;
		int code;
	} words[] = {
		{"No space left", ERR_NOSPACE},
		{"Disk quota", ERR_NOSPACE},
		{"No such file", ERR_NOTFOUND},
		{"Permission denied", ERR_PERM},
		{"Operation not permitted", ERR_PERM},
		{"Read-only file system", ERR_PERM},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i].word))
			return words[i].code;
	return ERR_IO;
}

static int on_fail(struct sync_job *j, const struct adb_sync_reply *r)
{
	struct adb_sync *s = j->s;
	char said[LIMIT_CAUSE / 2], text[LIMIT_CAUSE];

	str_copy_clean(said, sizeof(said), (const char *)r->data, r->n);
	snprintf(text, sizeof(text), "the phone refused %.80s: %s", j->path, said);
	sync_fail(s, code_of_text(said), text);
	return 1;
}

static int on_stat(struct sync_job *j, const struct adb_sync_reply *r)
{
	bool missing = r->id == ADB_SYNC_STAT ? !r->stat.mode : r->stat.error != 0;
	int rc = 0;

	j->result.stat = r->stat;
	if (missing)
		rc = r->id == ADB_SYNC_STAT || r->stat.error == ENOENT ? ERR_NOTFOUND
		     : r->stat.error == EACCES                         ? ERR_PERM
		                                                       : ERR_IO;
	sync_job_done(j, rc, "the phone has no such file, or does not show it");
	return 0;
}

static bool is_name(const struct adb_sync_reply *r)
{
	return r->n && r->n <= 255 && !memchr(r->data, '/', r->n) && !memchr(r->data, 0, r->n);
}

static int on_entry(struct sync_job *j, const struct adb_sync_reply *r)
{
	char name[256];

	if (r->id == ADB_SYNC_DONE) {
		sync_job_done(j, 0, "");
		return 0;
	}
	if (!is_name(r)) {
		sync_fail(j->s, ERR_PROTO, "the phone listed a name that is none");
		return 1;
	}
	memcpy(name, r->data, r->n);
	name[r->n] = '\0';
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	if (++j->n_entries > j->max_entries) {
		sync_fail(j->s, ERR_TOOBIG, "a directory on the phone has too many entries");
		return 1;
	}
	if (j->entry)
		j->entry(j->arg, name, &r->stat);
	return 0;
}

static int on_pull(struct sync_job *j, const struct adb_sync_reply *r)
{
	if (r->id == ADB_SYNC_DATA)
		return sync_pull_data(j, r->data, r->n) ? 0 : 1;
	sync_pull_finish(j);
	return j->s->rc ? 1 : 0;
}

static int on_push(struct sync_job *j, const struct adb_sync_reply *r)
{
	if (!j->complete || r->id != ADB_SYNC_OKAY) {
		sync_fail(j->s, ERR_PROTO, "the phone took a file before it was sent");
		return 1;
	}
	sync_job_done(j, 0, "");
	return 0;
}

static const struct {
	int (*reply)(struct sync_job *j, const struct adb_sync_reply *r);
	enum adb_sync_kind kind[2]; /* of answer, by version */
} kinds[] = {
	[SYNC_STAT] = {on_stat, {ADB_SYNC_K_STAT, ADB_SYNC_K_STAT2}},
	[SYNC_LIST] = {on_entry, {ADB_SYNC_K_LIST, ADB_SYNC_K_LIST2}},
	[SYNC_PUSH] = {on_push, {ADB_SYNC_K_STATUS, ADB_SYNC_K_STATUS}},
	[SYNC_PULL] = {on_pull, {ADB_SYNC_K_DATA, ADB_SYNC_K_DATA}},
};

static bool has_v2(const struct adb_sync *s, enum sync_kind kind)
{
	enum adb_feature f = kind == SYNC_STAT ? ADB_F_STAT_V2 : ADB_F_LS_V2;

	return adb_conn_has(s->conn, f);
}

/* The oldest request is the one that is answered; a pull whose last piece is still being written is
 * answered already. */
static struct sync_job *answered(struct adb_sync *s)
{
	struct sync_job *j;

	TAILQ_FOREACH (j, &s->queue, link)
		if (!j->answered)
			return j->sent ? j : NULL;
	return NULL;
}

static int on_reply(void *arg, const struct adb_sync_reply *r)
{
	struct adb_sync *s = arg;
	struct sync_job *j = answered(s);
	int rc;

	if (!j) {
		sync_fail(s, ERR_PROTO, "the phone answered what nobody asked");
		return 1;
	}
	rc = r->id == ADB_SYNC_FAIL ? on_fail(j, r) : kinds[j->kind].reply(j, r);
	j = answered(s);
	if (!rc && j)
		adb_sync_expect(&s->parser, kinds[j->kind].kind[has_v2(s, j->kind)]);
	return rc;
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct adb_sync *s = arg;
	struct sync_job *j = answered(s);
	size_t used;

	if (s->rc)
		return;
	if (j)
		adb_sync_expect(&s->parser, kinds[j->kind].kind[has_v2(s, j->kind)]);
	if (adb_sync_feed(&s->parser, data, n, on_reply, s, &used) < 0)
		sync_fail(s, ERR_PROTO, "the phone broke the sync protocol");
	j = s->rc ? NULL : answered(s);
	if (j && j->pull)
		sync_pull_flush(j);
}

/* ---- requests on their way ---- */

static void pump(struct adb_sync *s);

/* How far the pool came. */
static void mark_sent(struct adb_sync *s)
{
	struct sync_job *j;

	while ((j = TAILQ_FIRST(&s->tx.jobs)) && j->stage == SYNC_SENT) {
		TAILQ_REMOVE(&s->tx.jobs, j, tx_link);
		j->sent = j->complete = true;
	}
	if (j && j->stage != SYNC_REQUEST)
		j->sent = true;
}

static void send_out(struct adb_sync *s)
{
	s->full = !s->conn->ops->send(s->conn, s->stream, s->out);
	if (!s->full)
		s->out = NULL;
}

static void filled(void *arg)
{
	struct adb_sync *s = arg;

	s->filling = false;
	s->out = s->tx.buf;
	s->tx.buf = NULL;
	if (s->tx.rc) {
		s->tx.at->result.ours = true;
		sync_fail(s, s->tx.rc, s->tx.err.text);
	}
	if (s->rc) {
		sync_check_end(s);
		return;
	}
	mark_sent(s);
	send_out(s);
	pump(s);
}

static uint32_t packet_size(const struct adb_sync *s)
{
	uint32_t max = s->conn->max_payload;

	return n_transfers > CROWD && max > CROWD_PACKET ? CROWD_PACKET : max;
}

/* One buffer at a time is filled, while the ones before are on their way. */
static void pump(struct adb_sync *s)
{
	struct sync_job *j;

	if (s->rc || !s->opened || s->filling || s->out)
		return;
	TAILQ_FOREACH (j, &s->waiting, tx_link)
		j->in_tx = true;
	TAILQ_CONCAT(&s->tx.jobs, &s->waiting, tx_link);
	s->tx.at = TAILQ_FIRST(&s->tx.jobs);
	if (!s->tx.at)
		return;
	s->tx.rc = 0;
	s->tx.buf = adb_buf_new(packet_size(s));
	s->filling = true;
	if (s->host->blocking(s->host, sync_fill, filled, s)) {
		s->filling = false;
		adb_buf_unref(s->tx.buf);
		s->tx.buf = NULL;
		sync_fail(s, ERR_FULL, "too much work is queued");
	}
}

static void on_drained(void *arg)
{
	struct adb_sync *s = arg;

	if (s->out && !s->rc)
		send_out(s);
	pump(s);
}

static void on_opened(void *arg)
{
	struct adb_sync *s = arg;

	s->opened = true;
	pump(s);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct adb_sync *s = arg;

	s->stream = NULL;
	if (code == ERR_NOTFOUND)
		sync_fail(s, ERR_UNSUPPORTED, "the phone has no sync service");
	else
		sync_fail(s, code ? code : ERR_IO,
			code ? text : "the phone ended the transfer before its time");
	sync_check_end(s);
}

static const struct stream_events events = {on_data, on_drained, on_closed};

struct adb_sync *adb_sync_new(struct adb_conn *c, struct err *e)
{
	struct adb_sync *s = mem_zalloc(sizeof(*s));

	s->conn = adb_conn_ref(c);
	s->host = c->host;
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->tx.jobs);
	adb_sync_parser_init(&s->parser);
	s->stream = c->ops->open(c, SERVICE, strlen(SERVICE), &events, on_opened, s, e);
	if (s->stream)
		return s;
	adb_conn_unref(c);
	mem_free(s);
	return NULL;
}

void sync_job_add(struct sync_job *j)
{
	TAILQ_INSERT_TAIL(&j->s->queue, j, link);
	TAILQ_INSERT_TAIL(&j->s->waiting, j, tx_link);
	if (!j->s->n_jobs++)
		n_transfers++;
	pump(j->s);
}
