/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests, on their whole way: a socket, libmicrohttpd, who asks and from where, the handlers, the
 * store, the answer. The controller behind is that of the API's unit tests, frozen, so that every input
 * meets the same farm: one device, one job with a run that was judged, some that are not.
 *
 * The bits of the input's first byte say how it is (below). What follows is bytes of a connection, which
 * are sent in pieces of the second byte's length (0: at once). Or it is a request whose head is completed,
 * so that the fuzzer need not find out what a token and a length are: a line with method and path, header
 * lines up to an empty one, and the body. What is written as 64 times S becomes a session's cookie.
 *
 * Whatever came: the daemon answers in HTTP, never with 500, its JSON can be read, and once the client has
 * gone and time has passed nothing of it is left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/bounds.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/api/support.h"

#define TOKEN  "ff_00000000000000000000000000000000"
#define HOST   "farm.example"
#define COOKIE 64   /* bytes of a session's value */
#define TURNS  5000 /* for one input; more means that it turns without end */

static struct ctl *ctl;
static struct api *api;
static const char placeholder[] = "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"
				  "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS";
static char session[COOKIE + 1];
static int turns;

/* ---- the world ---- */

static bool turn(void)
{
	struct pollfd p[] = {{api_epoll_fd(api), POLLIN, 0}, {fake_fd(ctl), POLLIN, 0}};
	bool due;

	CHECK(++turns < TURNS);
	poll(p, 2, 0);
	if (p[1].revents)
		fake_run(ctl);
	due = p[0].revents || api_deadline_ms(api) <= ctl_now(ctl).mono_ms;
	if (due)
		api_run(api);
	return due || p[1].revents;
}

static void settle(void)
{
	while (turn())
		;
}

static int connect_client(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(api_port(api))};
	struct linger reset = {1, 0}; /* no port waits for what may be under way */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return fd;
}

static void pull(int fd, struct buf *in)
{
	ssize_t n;

	while ((n = recv(fd, buf_room(in, 65536), 65536, MSG_DONTWAIT)) > 0)
		in->len += (size_t)n;
}

/* Sends all of it, or up to where the server has had enough. */
static void push(int fd, const void *data, size_t n, struct buf *in)
{
	const char *p = data;

	while (n) {
		ssize_t done = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN)
			return;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
		pull(fd, in);
		turn();
	}
}

static void clean_up(void)
{
	api_free(api);
	fake_free(ctl);
}

static void log_in(void)
{
	static const char ask[] = "POST /api/v1/session HTTP/1.1\r\nHost: " HOST "\r\n"
				  "Content-Type: application/json\r\nContent-Length: 48\r\n\r\n"
				  "{\"token\": \"" TOKEN "\"}";
	struct buf in;
	const char *at;
	int fd = connect_client();

	buf_init(&in, 0);
	push(fd, ask, sizeof(ask) - 1, &in);
	settle();
	pull(fd, &in);
	at = strstr(buf_text(&in), "Set-Cookie: ");
	CHECK(at && (at = strchr(at, '=')));
	snprintf(session, sizeof(session), "%s", at + 1);
	CHECK(strspn(session, "0123456789abcdef") == COOKIE);
	buf_fini(&in);
	close(fd);
	settle();
}

static void start(void)
{
	struct api_config cfg = {.listen = "127.0.0.1:0",
		.data_dir = fuzz_dir("http"),
		.public_url = "http://" HOST};
	char path[128];
	struct err e = {0};
	FILE *f;

	log_set_level(LOG_LEVEL_ERR);
	snprintf(path, sizeof(path), "%s/admin.token", cfg.data_dir);
	f = fopen(path, "we");
	CHECK(f && fputs(TOKEN "\n", f) >= 0 && !fclose(f) && !chmod(path, 0600));
	ctl = fake_new(cfg.data_dir);
	seed_one(ctl);
	seed_jobs(ctl, 3);
	fake_blob(ctl, SHA_MODEL, 1000);
	fake_freeze(ctl);
	api = api_new(&cfg, ctl, &e);
	CHECK(api);
	atexit(clean_up);
	log_in();
}

/* ---- requests ---- */

static bool has_header(const char *head, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i + len < n; i++)
		if ((!i || head[i - 1] == '\n') && !strncasecmp(head + i, name, len))
			return true;
	return false;
}

/* Of the input, with what the fuzzer would not find: the session's value. */
static char *text_of(const uint8_t *data, size_t n)
{
	char *text = mem_zalloc(n + 1), *at = text;

	memcpy(text, data, n);
	while ((at = memmem(at, (size_t)(text + n - at), placeholder, COOKIE))) {
		memcpy(at, session, COOKIE);
		at += COOKIE;
	}
	return text;
}

/* The length of what stands before the first of these, or of all. */
static size_t until(const char *text, size_t n, const char *what)
{
	const char *at = memmem(text, n, what, strlen(what));

	return at ? (size_t)(at - text) : n;
}

/* Writes the head as it is sent; returns where the body begins in the input. */
static size_t complete(struct buf *to, const char *text, size_t size)
{
	size_t line = until(text, size, "\n"), head = until(text, size, "\n\n");
	size_t body = head < size ? head + 2 : size;

	buf_put(to, text, line);
	buf_puts(to, " HTTP/1.1");
	buf_put(to, text + line, head - line);
	buf_puts(to, "\r\n");
	if (!has_header(text, head, "host:"))
		buf_puts(to, "Host: " HOST "\r\n");
	if (!has_header(text, head, "authorization:") && !has_header(text, head, "cookie:"))
		buf_puts(to, "Authorization: Bearer " TOKEN "\r\n");
	if (!has_header(text, head, "content-type:"))
		buf_puts(to, "Content-Type: application/json\r\n");
	if (!has_header(text, head, "content-length:") && !has_header(text, head, "transfer-"))
		buf_printf(to, "Content-Length: %zu\r\n", size - body);
	buf_puts(to, "\r\n");
	return body;
}

static void send_request(int fd, const char *text, size_t size, struct buf *in)
{
	struct buf out;
	size_t body;

	buf_init(&out, 0);
	body = complete(&out, text, size);
	buf_put(&out, text + body, size - body);
	push(fd, out.data, out.len, in);
	buf_fini(&out);
}

static void send_bytes(int fd, const char *text, size_t size, size_t piece, struct buf *in)
{
	for (size_t at = 0; at < size; at += piece) {
		if (!piece || piece > size - at)
			piece = size - at;
		push(fd, text + at, piece, in);
		settle();
	}
}

/* ---- answers ---- */

static void check_json(const char *head, const char *body, size_t n)
{
	const char *end = strstr(head, "\r\n\r\n"), *type = strcasestr(head, "\r\nContent-Type: ");
	const char *length = strcasestr(head, "\r\nContent-Length: ");
	struct json_doc *doc;

	if (!type || type > end || !length || length > end || !n)
		return;
	type += strlen("\r\nContent-Type: ");
	if (strncmp(type, "application/json", 16) && strncmp(type, "application/problem+json", 24))
		return;
	if (strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) != n)
		return; /* several answers */
	doc = json_parse(body, n, NULL);
	CHECK(doc);
	json_doc_free(doc);
}

static void check(struct buf *in)
{
	const char *head = buf_text(in), *end = strstr(head, "\r\n\r\n");
	int status;

	if (!in->len)
		return;
	CHECK(sscanf(head, "HTTP/1.%*d %d", &status) == 1 && end);
	CHECK(status >= 100 && status < 600 && status != 500);
	check_json(head, end + 4, in->len - (size_t)(end + 4 - head));
}

/* ---- one input ---- */

/* What else may be so: bits of the input's first byte. */
enum {
	COMPLETED = 1, /* the head is completed */
	HELD = 2,      /* threads and the controller do nothing until deadlines are over */
	LEAVES = 4,    /* the client goes before it is answered */
	REFUSED = 8,   /* the controller takes no requests */
	BROKEN = 16,   /* the store is not well */
};

static void set(unsigned how)
{
	fake_hold_pool(ctl, how & HELD);
	fake_hold_answers(ctl, how & HELD);
	fake_refuse(ctl, how & REFUSED ? ERR_FULL : 0);
	fake_break_store(ctl, how & BROKEN ? "the disk is full" : NULL);
}

/* What watchers and long polls wait for. */
static void happen(void)
{
	struct ctl_progress p = {.job = 1, .run = 1, .attempt = 1, .device = 1, .iterations = 7};

	fake_progress(ctl, &p);
	fake_event(ctl, "job", 2, 2, "queued", "running");
	settle();
}

static void pass(int64_t ms)
{
	fake_advance(ctl, ms);
	settle();
}

static void serve(unsigned how, const char *text, size_t size, size_t piece)
{
	struct buf in;
	int fd = connect_client();

	buf_init(&in, 0);
	if (how & COMPLETED)
		send_request(fd, text, size, &in);
	else
		send_bytes(fd, text, size, piece, &in);
	settle();
	if (how & LEAVES)
		shutdown(fd, SHUT_RDWR);
	happen();
	pass(API_WAIT_MS + API_HEARTBEAT_MS);
	pull(fd, &in);
	check(&in);
	pass(API_INSTALL_MS);
	close(fd);
	buf_fini(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!api)
		start();
	if (size < 2)
		return 0;
	turns = 0;
	text = text_of(data + 2, size - 2);
	set(data[0]);
	serve(data[0], text, size - 2, data[1]);
	set(0);
	settle();
	pass(API_HEARTBEAT_MS); /* a watcher that leaves is missed then */
	CHECK(api_idle(api) && fake_pool_idle(ctl) && !fake_uploads_open(ctl));
	fake_advance(ctl, -(API_WAIT_MS + API_HEARTBEAT_MS + API_INSTALL_MS + API_HEARTBEAT_MS));
	mem_free(text);
	return 0;
}
