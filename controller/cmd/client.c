/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the daemon's API; see client.h. */
#include "cmd/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exitcode.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/stop.h"
#include "cmd/units.h"

/* The pause doubles from the first to the last; half of each is left to chance, so that clients that
 * lost the same daemon do not come back together. */
#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS  5000

#define CLIENT_AT(field) OPTION_AT(struct client_options, field)

static const struct option_row rows[] = {
	{.name = "url",
		.type = OPTION_TEXT,
		.unit = "URL",
		CLIENT_AT(url),
		.help = "where the daemon is (else FRAMEFARM_URL, else what a daemon of this host "
			"wrote "
			"into its data directory, else " PATHS_DEFAULT_URL ")"},
	{.name = "data",
		.type = OPTION_TEXT,
		.unit = "DIR",
		CLIENT_AT(data),
		.help = "the data directory of this host's daemon, for its address and token"},
	{.name = "token-file",
		.type = OPTION_TEXT,
		.unit = "FILE",
		CLIENT_AT(token_file),
		.help = "read the token from FILE (else FRAMEFARM_TOKEN, else the data directory's "
			"admin.token, which is sent to this host only)"},
	{.name = "ca-file",
		.type = OPTION_TEXT,
		.unit = "FILE",
		CLIENT_AT(ca_file),
		.help = "trust the certificates in FILE (PEM) instead of the system's, for a "
			"daemon "
			"with a certificate of its own (else FRAMEFARM_CA)"},
	{.name = "retry",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.max = 86400000,
		.fallback = "10s",
		CLIENT_AT(retry_ms),
		.help = "how long to try again when the daemon does not answer"},
};

const struct option_table client_options = OPTION_TABLE(rows, struct client_options);

struct client {
	struct fetch *fetch;
	char url[PATHS_URL_MAX];
	char token[PATHS_TOKEN_MAX]; /* "": none */
	int64_t retry_ms;
	bool said; /* that it tries again */
	void (*on_retry)(void *arg, const char *why);
	void *retry_arg;
};

/* ---- where the daemon is ---- */

static int find_url(
	struct client *c, const struct client_options *o, const char *data, struct err *e)
{
	const char *env = getenv("FRAMEFARM_URL");
	char path[PATHS_MAX];
	size_t n;

	if (o->url[0]) {
		str_copy(c->url, sizeof(c->url), o->url);
	} else if (env && *env) {
		if (!str_copy(c->url, sizeof(c->url), env))
			return err_set(e, ERR_INVAL, "FRAMEFARM_URL is longer than %d bytes",
				PATHS_URL_MAX - 1);
	} else if (!paths_join(path, data, PATHS_URL_FILE) ||
		   paths_read_line(path, c->url, sizeof(c->url), NULL) || !c->url[0]) {
		str_copy(c->url, sizeof(c->url), PATHS_DEFAULT_URL);
	}
	n = strlen(c->url);
	while (n && c->url[n - 1] == '/')
		c->url[--n] = '\0';
	if (strncmp(c->url, "http://", 7) && strncmp(c->url, "https://", 8))
		return err_set(e, ERR_INVAL,
			"the daemon's address is \"%.100s\"; it must begin with http:// or "
			"https://",
			c->url);
	return 0;
}

/* What goes into a header must not end it. */
static int check_token(const struct client *c, const char *from, struct err *e)
{
	for (const char *p = c->token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(e, ERR_INVAL,
				"the token from %s has a character that no token has", from);
	return 0;
}

/* The local daemon's admin token is never sent to another machine. */
static int find_token(
	struct client *c, const struct client_options *o, const char *data, struct err *e)
{
	const char *env = getenv("FRAMEFARM_TOKEN");
	char path[PATHS_MAX];

	if (o->token_file[0]) {
		int rc = paths_read_line(o->token_file, c->token, sizeof(c->token), e);

		return rc ? rc : check_token(c, o->token_file, e);
	}
	if (env && *env) {
		if (!str_copy(c->token, sizeof(c->token), env))
			return err_set(e, ERR_INVAL, "FRAMEFARM_TOKEN is longer than %d bytes",
				PATHS_TOKEN_MAX - 1);
		return check_token(c, "FRAMEFARM_TOKEN", e);
	}
	if (!fetch_is_loopback(c->url) || !paths_join(path, data, PATHS_TOKEN_FILE) ||
		paths_read_line(path, c->token, sizeof(c->token), NULL)) {
		c->token[0] = '\0';
		return 0;
	}
	return check_token(c, path, e);
}

int client_new(const struct client_options *o, struct client **ret_c, struct err *e)
{
	struct client *c = mem_zalloc(sizeof(*c));
	char data[PATHS_MAX] = "";
	int rc = 0;

	if (o->data[0])
		str_copy(data, sizeof(data), o->data);
	else
		rc = paths_data_dir(data, e);
	if (!rc)
		rc = find_url(c, o, data, e);
	if (!rc)
		rc = find_token(c, o, data, e);
	if (rc) {
		mem_free(c);
		return rc;
	}
	c->retry_ms = o->retry_ms;
	c->fetch = fetch_new(o->ca_file[0] ? o->ca_file : getenv("FRAMEFARM_CA"));
	*ret_c = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	fetch_free(c->fetch);
	mem_free(c);
}

const char *client_url(const struct client *c)
{
	return c->url;
}

void client_set_retry(struct client *c, int64_t ms)
{
	c->retry_ms = ms;
}

/* What is said where the command has nothing better: once, so that ten seconds of silence are not
 * taken for a hang. */
static void say_retry(struct client *c, const char *why)
{
	char window[UNITS_TEXT];

	units_duration(window, c->retry_ms);
	if (!c->said)
		fprintf(stderr, "%s; trying again for %s\n", why, window);
	c->said = true;
}

void client_on_retry(struct client *c, void (*fn)(void *arg, const char *why), void *arg)
{
	c->on_retry = fn;
	c->retry_arg = arg;
}

/* ---- what a status means ---- */

static int code_of_status(int status)
{
	static const struct {
		int status, code;
	} known[] = {
		{401, ERR_PERM},
		{403, ERR_PERM},
		{404, ERR_NOTFOUND},
		{409, ERR_CONFLICT},
		{410, ERR_NOTFOUND},
		{413, ERR_TOOBIG},
		{429, ERR_UNREACHABLE},
		{502, ERR_UNREACHABLE},
		{503, ERR_UNREACHABLE},
		{504, ERR_UNREACHABLE},
		{507, ERR_NOSPACE},
	};

	if (status >= 200 && status < 300)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			return known[i].code;
	if (status >= 400 && status < 500)
		return ERR_INVAL;
	return status >= 500 && status < 600 ? ERR_IO : ERR_PROTO;
}

/* A member of a problem document (RFC 9457), cleaned for a terminal; "" when there is none. */
static void problem_text(const struct fetch_reply *r, const char *key, char *dst, size_t size)
{
	struct json_doc *d =
		json_parse(r->body.data ? (const char *)r->body.data : "", r->body.len, NULL);
	const char *text = "";

	*dst = '\0';
	if (!d)
		return;
	if (json_is_object(json_root(d)))
		text = json_str(json_get(json_root(d), key));
	str_copy_clean(dst, size, text, strlen(text));
	json_doc_free(d);
}

static int explain(const struct client *c, const struct fetch_reply *r, struct err *e)
{
	int code = code_of_status(r->status);
	char text[ERR_TEXT_MAX / 2], kind[64];

	if (!code)
		return 0;
	problem_text(r, "type", kind, sizeof(kind));
	problem_text(r, "detail", text, sizeof(text));
	if (!*text)
		problem_text(r, "title", text, sizeof(text));
	/* The first try is still being answered: this one comes again. */
	if (r->status == 409 && !strcmp(kind, "urn:framefarm:problem:in-progress"))
		code = ERR_UNREACHABLE;
	if (r->status == 401)
		return err_set(e, code,
			"%s takes no request without a valid token%s%s; set FRAMEFARM_TOKEN, or "
			"give "
			"--token-file or --data",
			c->url, *text ? ": " : "", text);
	if (code == ERR_UNREACHABLE)
		return err_set(e, code, "%s is not ready (HTTP %d)%s%s", c->url, r->status,
			*text ? ": " : "", text);
	if (!*text)
		return err_set(e, code, "%s answered HTTP %d", c->url, r->status);
	return err_set(e, code, "%s", text);
}

int client_exit(int rc)
{
	switch (rc) {
	case 0:
		return EXIT_PASS;
	case ERR_PERM:
		return EXIT_PERMISSION;
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
		return EXIT_UNREACHABLE;
	case ERR_INVAL:
	case ERR_TOOBIG:
	case ERR_RANGE:
	case ERR_PARSE:
	case ERR_EXISTS:
		return EXIT_USAGE;
	case ERR_CANCELLED:
		return EXIT_CANCELLED;
	case ERR_NOSPACE:
		return EXIT_INFRASTRUCTURE;
	default:
		return EXIT_GENERAL;
	}
}

/* ---- sending ---- */

static int send_once(struct client *c, const struct client_request *rq, const char *url,
	struct fetch_reply *r, struct err *e)
{
	struct fetch_request f = {
		.method = rq->method ? rq->method : "GET",
		.url = url,
		.token = c->token[0] ? c->token : NULL,
		.body = rq->json,
		.body_len = rq->json ? strlen(rq->json) : 0,
		.upload_bytes = rq->file_bytes,
		.timeout_ms = rq->timeout_ms ? rq->timeout_ms : CLIENT_TIMEOUT_MS,
		.idle_ms = rq->idle_ms,
		.on_body = rq->on_body,
		.on_sent = rq->on_sent,
		.arg = rq->arg,
	};
	int n = 0, rc;

	if (rq->json)
		f.headers[n++] = "Content-Type: application/json";
	for (int i = 0; i < FETCH_HEADERS_MAX - 1 && rq->headers[i]; i++)
		f.headers[n++] = rq->headers[i];
	if (rq->file) {
		f.upload = fopen(rq->file, "re");
		if (!f.upload)
			return err_errno(e, errno, "%s cannot be read", rq->file);
	}
	rc = fetch_exchange(c->fetch, &f, r, e);
	if (f.upload)
		fclose(f.upload);
	return rc ? rc : explain(c, r, e);
}

static int64_t next_pause(int tries, const struct fetch_reply *r)
{
	int64_t full = PAUSE_FIRST_MS;
	uint16_t chance;

	while (tries-- > 0 && full < PAUSE_LAST_MS)
		full *= 2;
	if (full > PAUSE_LAST_MS)
		full = PAUSE_LAST_MS;
	hash_random(&chance, sizeof(chance));
	full = full / 2 + full / 2 * chance / UINT16_MAX;
	return r->retry_after_ms > full ? r->retry_after_ms : full;
}

int client_send(
	struct client *c, const struct client_request *rq, struct fetch_reply *r, struct err *e)
{
	char url[PATHS_URL_MAX + CLIENT_PATH_MAX];
	int64_t until = clock_mono_ms() + c->retry_ms;
	struct err last = {0};
	int rc;

	snprintf(url, sizeof(url), "%s%s", c->url, rq->path);
	for (int tries = 0;; tries++) {
		int64_t pause, left;

		rc = send_once(c, rq, url, r, &last);
		/* What was refused for coming too often was not done. */
		if ((rc != ERR_UNREACHABLE && rc != ERR_TIMEOUT) || (rq->once && r->status != 429))
			break;
		left = until - clock_mono_ms();
		pause = next_pause(tries, r);
		if (left <= 0)
			break;
		if (c->on_retry)
			c->on_retry(c->retry_arg, last.text);
		else
			say_retry(c, last.text);
		if (stop_sleep(pause < left ? pause : left)) {
			rc = err_set(&last, ERR_CANCELLED, "interrupted");
			break;
		}
	}
	if (rc && e)
		*e = last;
	return rc;
}
