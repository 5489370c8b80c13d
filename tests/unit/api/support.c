/* SPDX-License-Identifier: Apache-2.0 */
/* See support.h. */
#include "support.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/asset.h"
#include "api/auth.h"
#include "base/clock.h"

/* ---- the rig ---- */

static void read_token(struct rig *r)
{
	FILE *f = fopen(api_token_path(r->api), "re");

	assert_non_null(f);
	assert_non_null(fgets(r->token, sizeof(r->token), f));
	r->token[strcspn(r->token, "\n")] = '\0';
	fclose(f);
}

void rig_start(struct rig *r, const struct api_config *more)
{
	struct api_config cfg = more ? *more : (struct api_config){0};
	struct err e = {0};

	if (!cfg.listen)
		cfg.listen = "127.0.0.1:0";
	cfg.data_dir = r->dir;
	r->api = api_new(&cfg, r->ctl, &e);
	if (!r->api)
		fail_msg("%s", e.text);
	read_token(r);
	snprintf(r->host, sizeof(r->host), "127.0.0.1:%d", api_port(r->api));
}

int rig_setup(void **state)
{
	struct rig *r = mem_zalloc(sizeof(*r));

	snprintf(r->dir, sizeof(r->dir), "/tmp/framefarm-api.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->ctl = fake_new(r->dir);
	rig_start(r, NULL);
	*state = r;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	api_free(r->api);
	fake_free(r->ctl);
	nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mem_free(r);
	return 0;
}

static int wait_of(struct rig *r, int wait_ms)
{
	int64_t left = api_deadline_ms(r->api) - ctl_now(r->ctl).mono_ms;

	return left <= 0 ? 0 : left < wait_ms ? (int)left : wait_ms;
}

/* As the daemon's loop does: the API is turned when its descriptor or its deadline says so, and
 * behind callbacks only because it then says "now". */
void rig_turn(struct rig *r, int wait_ms)
{
	struct pollfd p[] = {{api_epoll_fd(r->api), POLLIN, 0}, {fake_fd(r->ctl), POLLIN, 0}};

	poll(p, 2, wait_of(r, wait_ms));
	if (p[1].revents)
		fake_run(r->ctl);
	if (p[0].revents || api_deadline_ms(r->api) <= ctl_now(r->ctl).mono_ms)
		api_run(r->api);
}

void rig_until(struct rig *r, bool (*until)(void *arg), void *arg)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (!until(arg)) {
		if (clock_mono_ms() > end)
			fail_msg("the awaited condition did not come within %d ms", PATIENCE_MS);
		rig_turn(r, 20);
	}
}

static bool is_quiet(void *arg)
{
	struct rig *r = arg;
	struct pollfd p[] = {{api_epoll_fd(r->api), POLLIN, 0}, {fake_fd(r->ctl), POLLIN, 0}};

	return !poll(p, 2, 0) && api_deadline_ms(r->api) > ctl_now(r->ctl).mono_ms;
}

static bool is_settled(void *arg)
{
	struct rig *r = arg;

	return fake_pool_idle(r->ctl) && is_quiet(r);
}

void rig_settle(struct rig *r)
{
	rig_until(r, is_settled, r);
}

void rig_settle_held(struct rig *r)
{
	rig_until(r, is_quiet, r);
}

/* ---- a client ---- */

void client_open_from(struct client *c, struct rig *r, const char *source_ip)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(api_port(r->api))};
	struct sockaddr_in from = {.sin_family = AF_INET};

	*c = (struct client){.rig = r};
	buf_init(&c->in, 64 * 1024 * 1024);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	inet_pton(AF_INET, source_ip, &from.sin_addr);
	assert_int_equal(bind(c->fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void client_open(struct client *c, struct rig *r)
{
	client_open_from(c, r, "127.0.0.1");
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
}

void client_pull(struct client *c)
{
	ssize_t n;

	while (!c->closed) {
		n = recv(c->fd, buf_room(&c->in, 65536), 65536, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			c->closed = true;
		else
			c->in.len += (size_t)n;
	}
}

bool client_send(struct client *c, const void *data, size_t n)
{
	const char *p = data;
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (n) {
		ssize_t done = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done > 0) {
			p += done;
			n -= (size_t)done;
			continue;
		}
		if (errno != EAGAIN)
			return false;
		rig_turn(c->rig, 1);
		if (clock_mono_ms() > end)
			fail_msg("the server takes no more bytes");
	}
	return true;
}

struct await {
	struct client *c;
	const char *text;
};

static bool has_text(void *arg)
{
	struct await *a = arg;

	client_pull(a->c);
	return strstr(buf_text(&a->c->in), a->text) || a->c->closed;
}

void client_until_text(struct client *c, const char *text)
{
	struct await a = {c, text};

	rig_until(c->rig, has_text, &a);
	if (!strstr(buf_text(&c->in), text))
		fail_msg("the server closed without \"%s\"; it said: %s", text, buf_text(&c->in));
}

static bool is_closed(void *arg)
{
	client_pull(arg);
	return ((struct client *)arg)->closed;
}

void client_until_closed(struct client *c)
{
	rig_until(c->rig, is_closed, c);
}

/* ---- responses ---- */

const char *response_header(const struct response *p, const char *name)
{
	static char value[1024];
	char line[128];
	const char *at;

	snprintf(line, sizeof(line), "\n%s: ", name);
	at = strcasestr(p->head, line);
	if (!at)
		return NULL;
	at += strlen(line);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r\n"), at);
	return value;
}

/* Takes chunks out of in; false: not all is there yet. */
static bool take_chunks(struct client *c, size_t at, struct response *p, size_t *ret_used)
{
	struct buf body;
	bool whole = false;

	buf_init(&body, 0);
	for (;;) {
		const char *text = buf_text(&c->in) + at, *eol = strstr(text, "\r\n");
		size_t n = eol ? strtoul(text, NULL, 16) : 0;

		if (!eol || c->in.len < (size_t)(eol + 2 - buf_text(&c->in)) + n + 2)
			break;
		at = (size_t)(eol + 2 - buf_text(&c->in));
		buf_put(&body, buf_text(&c->in) + at, n);
		at += n + 2;
		whole = !n;
		if (whole)
			break;
	}
	if (whole) {
		p->len = body.len;
		p->body = mem_strdup(buf_text(&body));
		*ret_used = at;
	}
	buf_fini(&body);
	return whole;
}

static bool take_body(struct client *c, size_t at, struct response *p, size_t *ret_used)
{
	const char *length = response_header(p, "Content-Length");

	if (response_header(p, "Transfer-Encoding"))
		return take_chunks(c, at, p, ret_used);
	p->len = length ? strtoul(length, NULL, 10) : 0;
	if (p->status == 204 || p->status == 304)
		p->len = 0;
	if (c->in.len < at + p->len)
		return false;
	p->body = mem_alloc(p->len + 1);
	memcpy(p->body, buf_text(&c->in) + at, p->len);
	p->body[p->len] = '\0';
	*ret_used = at + p->len;
	return true;
}

struct awaited {
	struct client *c;
	struct response *p;
	bool head_only;
};

static bool has_response(void *arg)
{
	struct awaited *a = arg;
	const char *end;
	size_t used;

	client_pull(a->c);
	end = strstr(buf_text(&a->c->in), "\r\n\r\n");
	if (!end) {
		if (a->c->closed)
			fail_msg("the server closed without an answer");
		return false;
	}
	used = (size_t)(end - buf_text(&a->c->in)) + 4;
	a->p->head = mem_alloc(used);
	memcpy(a->p->head, buf_text(&a->c->in), used - 1);
	a->p->head[used - 1] = '\0';
	assert_int_equal(sscanf(a->p->head, "HTTP/1.%*d %d", &a->p->status), 1);
	if (a->p->status == 100 || (!a->head_only && !take_body(a->c, used, a->p, &used))) {
		mem_free(a->p->head);
		if (a->p->status == 100)
			buf_drop(&a->c->in, used);
		else if (a->c->closed)
			fail_msg("the server closed within an answer");
		return false;
	}
	buf_drop(&a->c->in, used);
	return true;
}

static void get_response(struct client *c, struct response *ret_p, bool head_only)
{
	struct awaited a = {c, ret_p, head_only};

	memset(ret_p, 0, sizeof(*ret_p));
	rig_until(c->rig, has_response, &a);
	if (ret_p->len)
		ret_p->doc = json_parse(ret_p->body, ret_p->len, NULL);
}

void client_response(struct client *c, struct response *ret_p)
{
	get_response(c, ret_p, false);
}

void client_response_head(struct client *c, struct response *ret_p)
{
	get_response(c, ret_p, true);
}

void assert_status(const struct response *p, int status)
{
	if (p->status != status)
		fail_msg("status %d instead of %d: %s", p->status, status, p->body ? p->body : "");
}

void response_free(struct response *p)
{
	mem_free(p->head);
	mem_free(p->body);
	json_doc_free(p->doc);
	memset(p, 0, sizeof(*p));
}

const struct json *response_json(const struct response *p)
{
	if (!p->doc)
		fail_msg("this is not JSON: %s", p->body);
	return json_root(p->doc);
}

const struct json *response_at(const struct response *p, const char *path)
{
	const struct json *n = response_json(p);
	char word[64];

	while (n && *path) {
		size_t len = strcspn(path, ".");

		snprintf(word, sizeof(word), "%.*s", (int)len, path);
		path += len + (path[len] == '.');
		if (json_is_array(n)) {
			n = json_first(n);
			for (int i = atoi(word); n && i; i--)
				n = json_next(n);
		} else {
			n = json_get(n, word);
		}
	}
	return n;
}

const char *response_str(const struct response *p, const char *path)
{
	const struct json *n = response_at(p, path);

	if (!n || !json_is_string(n))
		fail_msg("no text '%s' in %s", path, p->body);
	return json_str(n);
}

int64_t response_int(const struct response *p, const char *path)
{
	const struct json *n = response_at(p, path);
	int64_t v;

	if (!n || !json_int(n, &v))
		fail_msg("no number '%s' in %s", path, p->body);
	return v;
}

/* ---- whole requests ---- */

void ask_send(struct client *c, const char *method, const char *path, const char *headers,
	const char *body)
{
	char *text;

	if (*body)
		text = mem_printf(
			"%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
			method, path, c->rig->host, c->rig->token, strlen(body), headers, body);
	else
		text = mem_printf(
			"%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n", method,
			path, c->rig->host, c->rig->token, headers);
	assert_true(client_send(c, text, strlen(text)));
	mem_free(text);
}

/* ---- what was answered is described ---- */

/* Those that any request may get: the document's head tells of them. */
static bool is_told_for_all(int status)
{
	static const int all[] = {400, 405, 414, 421, 429, 431, 501, 503};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] == status)
			return true;
	return false;
}

/* A segment in braces stands for any other. */
static bool is_of(const char *pattern, const char *path)
{
	while (*pattern && *path && *path != '?') {
		size_t n = strcspn(pattern + 1, "/") + 1, m = strcspn(path + 1, "/?") + 1;

		if (pattern[1] != '{' && (n != m || strncmp(pattern, path, n) != 0))
			return false;
		pattern += n;
		path += m;
	}
	return !*pattern && (!*path || *path == '?');
}

static const struct json *responses_of(const struct json *doc, const char *method, const char *path)
{
	char lower[16] = "";

	for (size_t i = 0; method[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)method[i]);
	JSON_FOREACH (p, json_get(doc, "paths"))
		if (is_of(json_key(p), path) && json_get(p, lower))
			return json_get(json_get(p, lower), "responses");
	return NULL;
}

static void check_described(const char *method, const char *path, int status)
{
	const struct asset *a = asset_find("openapi.json");
	struct json_doc *doc = json_parse((const char *)a->data, a->end - a->data, NULL);
	const struct json *told = responses_of(json_root(doc), method, path);
	char text[16];

	if (!told && !strcmp(method, "HEAD"))
		told = responses_of(json_root(doc), "GET", path);
	snprintf(text, sizeof(text), "%d", status);
	if (told && !json_get(told, text) && !is_told_for_all(status))
		fail_msg("%s %s was answered with %d: /openapi.json does not tell of it", method,
			path, status);
	json_doc_free(doc);
}

void ask(struct rig *r, const char *method, const char *path, const char *headers, const char *body,
	struct response *ret_p)
{
	struct client c;

	client_open(&c, r);
	ask_send(&c, method, path, headers, body);
	get_response(&c, ret_p, !strcmp(method, "HEAD"));
	client_close(&c);
	check_described(method, path, ret_p->status);
}

void ask_get(struct rig *r, const char *path, struct response *ret_p)
{
	ask(r, "GET", path, "", "", ret_p);
}
