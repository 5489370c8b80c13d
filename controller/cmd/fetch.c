/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP through libcurl; see fetch.h. The multi interface is used for one transfer only, because its
 * poll also watches the descriptor that a signal makes readable.
 */
#include "cmd/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/stop.h"

#define RETRY_AFTER_MAX_MS 60000
#define POLL_MS            1000

struct fetch {
	CURLM *multi;
	CURL *easy;
	char *ca_file; /* NULL: the system's */
};

/* One exchange, as libcurl's callbacks see it. */
struct exchange {
	struct fetch *fetch;
	const struct fetch_request *rq;
	struct fetch_reply *reply;
	struct curl_slist *headers;
	int64_t sent;
	int64_t active_ms; /* when a byte last moved */
	bool enough;       /* on_body wants no more */
	bool too_big;
	char text[CURL_ERROR_SIZE];
};

struct fetch *fetch_new(const char *ca_file)
{
	struct fetch *h = mem_zalloc(sizeof(*h));

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		abort(); /* out of memory */
	h->ca_file = ca_file && *ca_file ? mem_strdup(ca_file) : NULL;
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (!h->multi || !h->easy)
		abort();
	return h;
}

void fetch_free(struct fetch *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	mem_free(h->ca_file);
	mem_free(h);
}

void fetch_reply_init(struct fetch_reply *r)
{
	*r = (struct fetch_reply){.next_offset = -1};
	buf_init(&r->body, FETCH_BODY_MAX);
}

void fetch_reply_fini(struct fetch_reply *r)
{
	buf_fini(&r->body);
}

bool fetch_is_loopback(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	struct in_addr v4;
	bool yes = false;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
		!curl_url_get(u, CURLUPART_HOST, &host, 0))
		yes = !strcasecmp(host, "localhost") || !strcmp(host, "[::1]") ||
		      (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
	curl_free(host);
	curl_url_cleanup(u);
	return yes;
}

/* ---- libcurl's callbacks ---- */

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	long status = 0;

	n *= size;
	x->active_ms = clock_mono_ms();
	curl_easy_getinfo(x->fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->rq->on_body && status == 200) {
		x->enough = !x->rq->on_body(x->rq->arg, data, n);
		return x->enough ? 0 : n;
	}
	x->too_big = buf_put(&x->reply->body, data, n) != 0;
	return x->too_big ? 0 : n;
}

static size_t give_body(char *dst, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t got = fread(dst, 1, size * n, x->rq->upload);

	if (!got && ferror(x->rq->upload))
		return CURL_READFUNC_ABORT;
	x->sent += (int64_t)got;
	x->active_ms = clock_mono_ms();
	if (x->rq->on_sent)
		x->rq->on_sent(x->rq->arg, x->sent);
	return got;
}

/* The value of "name: value", or NULL; ends are trimmed into dst. */
static bool header_value(char *dst, size_t size, const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);

	if (n <= len || strncasecmp(line, name, len) || line[len] != ':')
		return false;
	line += len + 1;
	n -= len + 1;
	while (n && (*line == ' ' || *line == '\t')) {
		line++;
		n--;
	}
	while (n && strchr(" \t\r\n", line[n - 1]))
		n--;
	str_copy_clean(dst, size, line, n);
	return true;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct fetch_reply *r = x->reply;
	char text[FETCH_LOCATION_MAX];
	int64_t v;

	n *= size;
	if (header_value(text, sizeof(text), line, n, "Location"))
		str_copy(r->location, sizeof(r->location), text);
	else if (header_value(text, sizeof(text), line, n, "X-Next-Offset") &&
		 str_to_i64(text, &v) && v >= 0)
		r->next_offset = v;
	else if (header_value(text, sizeof(text), line, n, "Retry-After") && str_to_i64(text, &v) &&
		 v >= 0)
		r->retry_after_ms = v > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : v * 1000;
	return n;
}

/* ---- setting up ---- */

static void add_header(struct exchange *x, const char *line)
{
	struct curl_slist *list = curl_slist_append(x->headers, line);

	if (!list)
		abort();
	x->headers = list;
}

static void set_headers(struct exchange *x)
{
	char *line;

	for (int i = 0; i < FETCH_HEADERS_MAX && x->rq->headers[i]; i++)
		add_header(x, x->rq->headers[i]);
	if (x->rq->token) {
		line = mem_printf("Authorization: Bearer %s", x->rq->token);
		add_header(x, line);
		mem_free(line);
	}
	curl_easy_setopt(x->fetch->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_body(struct exchange *x)
{
	CURL *c = x->fetch->easy;

	if (x->rq->upload) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
		curl_easy_setopt(c, CURLOPT_READDATA, x);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->rq->upload_bytes);
	} else if (!strcmp(x->rq->method, "POST")) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->rq->body ? x->rq->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->rq->body_len);
	} else if (!strcmp(x->rq->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->rq->method);
}

static void set_up(struct exchange *x)
{
	CURL *c = x->fetch->easy;

	curl_easy_reset(c); /* keeps the connection */
	curl_easy_setopt(c, CURLOPT_URL, x->rq->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	if (x->fetch->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, x->fetch->ca_file);
	/* A proxy from the environment must not stand between a client and a daemon on the same host. */
	if (fetch_is_loopback(x->rq->url))
		curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_USERAGENT, "framefarm/" FRAMEFARM_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->text);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	set_headers(x);
	set_body(x);
}

/* ---- the exchange ---- */

/* How long the transfer may still last. libcurl's own limit on slowness cannot be used for the idle
 * time: it is a rate, and a heartbeat of a few bytes a minute is far below its least one. */
static int64_t time_left(const struct exchange *x, int64_t deadline_ms)
{
	int64_t now = clock_mono_ms(), left = deadline_ms - now;
	int64_t idle_left = x->active_ms + x->rq->idle_ms - now;

	return x->rq->idle_ms && idle_left < left ? idle_left : left;
}

/* Runs the transfer until it ends, a signal comes or its time is over. */
static int transfer(struct exchange *x, CURLcode *ret_code, struct err *e)
{
	struct curl_waitfd stop = {.fd = stop_fd(), .events = CURL_WAIT_POLLIN};
	int64_t deadline = clock_mono_ms() + x->rq->timeout_ms, left;
	int running = 1, queued;
	CURLMsg *msg;

	while (curl_multi_perform(x->fetch->multi, &running) == CURLM_OK && running) {
		if (stop_asked())
			return err_set(e, ERR_CANCELLED, "interrupted");
		left = time_left(x, deadline);
		if (left <= 0)
			return err_set(e, ERR_TIMEOUT, "no answer from %s in time", x->rq->url);
		curl_multi_poll(x->fetch->multi, &stop, stop.fd >= 0,
			left < POLL_MS ? (int)left : POLL_MS, NULL);
	}
	*ret_code = CURLE_FAILED_INIT;
	while ((msg = curl_multi_info_read(x->fetch->multi, &queued)))
		if (msg->msg == CURLMSG_DONE)
			*ret_code = msg->data.result;
	return 0;
}

static int explain(const struct exchange *x, CURLcode code, struct err *e)
{
	const char *why = x->text[0] ? x->text : curl_easy_strerror(code);

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_TIMEOUT, "no answer from %s in time: %s", x->rq->url, why);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(e, ERR_INVAL, "\"%s\" is no http or https URL: %s", x->rq->url, why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(
			e, ERR_PERM, "the certificate of %s is not trusted: %s", x->rq->url, why);
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(e, ERR_IO, "a file that is being uploaded cannot be read any more");
	default:
		return err_set(e, ERR_UNREACHABLE, "%s cannot be reached: %s", x->rq->url, why);
	}
}

static int judge(struct exchange *x, CURLcode code, struct err *e)
{
	long status = 0;

	curl_easy_getinfo(x->fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->too_big)
		return err_set(e, ERR_TOOBIG, "the answer of %s has more than %d bytes", x->rq->url,
			FETCH_BODY_MAX);
	/* A server may refuse an upload and close before it has read it all. */
	if (code != CURLE_OK && !x->enough && !(code == CURLE_SEND_ERROR && status >= 400))
		return explain(x, code, e);
	x->reply->status = (int)status;
	return 0;
}

int fetch_exchange(
	struct fetch *h, const struct fetch_request *rq, struct fetch_reply *r, struct err *e)
{
	struct exchange x = {.fetch = h, .rq = rq, .reply = r, .active_ms = clock_mono_ms()};
	CURLcode code = CURLE_OK;
	int rc;

	fetch_reply_fini(r);
	fetch_reply_init(r);
	set_up(&x);
	curl_multi_add_handle(h->multi, h->easy);
	rc = transfer(&x, &code, e);
	if (!rc)
		rc = judge(&x, code, e);
	curl_multi_remove_handle(h->multi, h->easy);
	curl_slist_free_all(x.headers);
	return rc;
}
