/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's life, and what every request goes through before its handler sees it: is it for this
 * server, is there such a thing, who asks, may they, and does the page that sent it belong to us.
 */
#include "api/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/form.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/param.h"
#include "api/rate.h"
#include "api/route.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rstr.h"
#include "farm/ctl.h"

#define PEM_MAX (256 * 1024)
#define BEARER  "Bearer "

int64_t api_now_ms(const struct api *a)
{
	return ctl_now(a->ctl).mono_ms;
}

/* ---- what every request goes through; each check answers and returns false, or returns true
 * ---- */

static bool check_form(struct req *r)
{
	struct reply *refused = form_check(r);

	if (refused)
		req_reply(r, refused);
	return !refused;
}

static bool check_host(struct api *a, struct req *r)
{
	const char *host = req_header(r, "Host");

	if (host && listen_host_ok(&a->names, host, req_local_addr(r)))
		return true;
	log_warn("event=wrong_host host=\"%s\"", host ? host : "");
	req_reply(r, reply_problem(421, "wrong-host",
			     "this server is reached as %s; another name "
			     "must be configured with --public-url",
			     rstr_text(a->links)));
	return false;
}

static bool check_route(struct req *r)
{
	struct reply *p;
	char allow[64];

	if (*r->path)
		r->route = route_find(r, allow, sizeof(allow));
	if (r->route)
		return true;
	if (r->method == METHOD_OPTIONS && *allow) {
		p = reply_new(204);
		reply_header(p, "Allow", "%s", allow);
		req_reply(r, p);
		return false;
	}
	if (!*r->path || !*allow) {
		req_reply(r, reply_problem(404, "not-found",
				     "there is nothing at this path; /openapi.json lists what "
				     "there is"));
		return false;
	}
	p = reply_problem(405, "method-not-allowed", "this path takes %s", allow);
	reply_header(p, "Allow", "%s", allow);
	req_reply(r, p);
	return false;
}

/* A token beats a cookie, and a wrong one is not saved by it. */
static bool identify(struct api *a, struct req *r)
{
	const char *header = req_header(r, "Authorization");
	const char *cookie = req_cookie(r, AUTH_COOKIE);

	if (header)
		return !strncasecmp(header, BEARER, sizeof(BEARER) - 1) &&
		       auth_token(a->auth, header + sizeof(BEARER) - 1, &r->who);
	return cookie && auth_session(a->auth, cookie, api_now_ms(a), &r->who);
}

/* Who is known has a bucket for each address; who is not shares that of the address with whoever
 * else is there. */
static bool check_rate(struct api *a, struct req *r)
{
	struct rate *rate;
	char key[RATE_KEY_MAX];

	if (!identify(a, r))
		r->who = (struct principal){.role = ROLE_NONE};
	rate = r->who.role ? a->known_rate : a->anonymous_rate;
	rate_key(key, r->who.actor, req_peer_addr(r));
	if (!rate_take(rate, key, api_now_ms(a)))
		return true;
	a->rate_limited++;
	req_reply(r, reply_problem(429, "too-many-requests",
			     "this client asks too often; wait as long as Retry-After says, and "
			     "ask less often"));
	return false;
}

static bool check_who(struct api *a, struct req *r)
{
	bool known = r->who.role != ROLE_NONE;
	struct reply *p;

	if (known && r->who.role >= r->route->role)
		return true;
	if (r->route->role == ROLE_NONE)
		return true;
	if (known) {
		req_reply(
			r, reply_problem(403, "not-permitted", "this needs the role %s; you are %s",
				   role_name(r->route->role), role_name(r->who.role)));
		return false;
	}
	log_warn("event=unauthorized path=\"%s\"", r->path);
	p = reply_problem(401, "unauthorized",
		"send Authorization: Bearer and the token; on the daemon's host it is in %s",
		a->token_path);
	reply_header(p, "WWW-Authenticate", "Bearer realm=\"framefarm\"");
	req_reply(r, p);
	return false;
}

/* A changing request that comes from a page must come from one of ours; one that brings nothing but
 * a cookie must prove it, since any site could have made the browser send that. */
static bool check_origin(struct api *a, struct req *r)
{
	const char *origin = req_header(r, "Origin"), *site = req_header(r, "Sec-Fetch-Site");
	bool ok = true;

	if (r->method == METHOD_GET || r->method == METHOD_HEAD)
		return true;
	if (origin)
		ok = listen_origin_ok(&a->names, origin, req_header(r, "Host"));
	if (site)
		ok = ok && (!strcmp(site, "same-origin") || !strcmp(site, "none"));
	if (!origin && !site)
		ok = !r->who.by_cookie;
	if (!ok)
		req_reply(r, reply_problem(403, "wrong-origin",
				     "a page of another site must not change anything here"));
	return ok;
}

static bool check_query(struct req *r)
{
	static const char *const none[] = {NULL};

	return r->route->flags & (ROUTE_QUERY | ROUTE_PAGE) || param_only(r, none);
}

/* Who comes while the daemon stops is told so, on a connection that ends with it. */
static bool check_draining(struct api *a, struct req *r)
{
	if (!a->draining || r->route->flags & ROUTE_PROBE)
		return true;
	req_reply(r, reply_problem(
			     503, "stopping", "the daemon is stopping; try again when it is back"));
	return false;
}

static bool check_body(struct req *r)
{
	const char *type = req_header(r, "Content-Type");

	if (!(r->route->flags & ROUTE_JSON) || !r->has_body)
		return true;
	if (!type || strncasecmp(type, TYPE_JSON, sizeof(TYPE_JSON) - 1)) {
		req_reply(r, reply_problem(
				     415, "not-json", "send the body as Content-Type: " TYPE_JSON));
		return false;
	}
	if (r->content_length > API_BODY_BYTES) {
		req_reply(r, reply_problem(413, "too-large", "a body has at most %d bytes",
				     API_BODY_BYTES));
		return false;
	}
	req_keep_body(r, API_BODY_BYTES);
	return true;
}

static void on_head(void *arg, struct req *r)
{
	struct api *a = arg;

	r->api = a;
	if (!check_form(r) || !check_rate(a, r) || !check_host(a, r) || !check_route(r) ||
		!check_draining(a, r) || !check_who(a, r) || !check_origin(a, r) ||
		!check_query(r) || !check_body(r))
		return;
	if (r->route->upload)
		r->route->upload->begin(r);
}

static void on_body(void *arg, struct req *r, const void *data, size_t n)
{
	(void)arg;
	r->route->upload->body(r, data, n);
}

static void on_ready(void *arg, struct req *r)
{
	(void)arg;
	if (r->body_over)
		req_reply(r, reply_problem(413, "too-large", "a body has at most %d bytes",
				     API_BODY_BYTES));
	else
		r->route->handle(r);
}

static int64_t now_ms(void *arg)
{
	return api_now_ms(arg);
}

static const struct http_ops ops = {on_head, on_body, on_ready};

/* ---- life ---- */

static char *read_pem(const char *path, const char *what, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f) {
		err_errno(e, errno, "cannot read the %s %s", what, path);
		return NULL;
	}
	text = mem_zalloc(PEM_MAX);
	n = fread(text, 1, PEM_MAX - 1, f);
	fclose(f);
	if (n && strstr(text, "-----BEGIN "))
		return text;
	explicit_bzero(text, PEM_MAX);
	mem_free(text);
	err_set(e, ERR_PARSE, "%s is no %s in PEM form", path, what);
	return NULL;
}

static int read_tls(struct api *a, const struct api_config *cfg, struct err *e)
{
	bool cert = cfg->tls_cert && *cfg->tls_cert, key = cfg->tls_key && *cfg->tls_key;

	if (!cert && !key)
		return 0;
	if (!cert || !key)
		return err_set(e, ERR_INVAL, "TLS needs both --tls-cert and --tls-key");
	a->cert = read_pem(cfg->tls_cert, "certificate", e);
	a->key = a->cert ? read_pem(cfg->tls_key, "private key", e) : NULL;
	return a->key ? 0 : e->code;
}

static bool is_exposed(const struct api *a, const struct api_config *cfg)
{
	return a->cert || cfg->allow_insecure;
}

static int read_public_url(struct api *a, const struct api_config *cfg, struct err *e)
{
	if (!cfg->public_url || !*cfg->public_url)
		return 0;
	return listen_url_host(cfg->public_url, a->public_host, e);
}

static void set_url(struct api *a, const char *public_url)
{
	char *own = mem_printf("http%s://%s:%d", a->cert ? "s" : "", a->host, a->port);
	const char *links = public_url && *public_url ? public_url : own;
	size_t n = strlen(links);

	a->url = rstr_new(own, strlen(own));
	a->links = rstr_new(links, n - (links[n - 1] == '/'));
	mem_free(own);
}

static int start_http(struct api *a, const struct api_config *cfg, struct err *e)
{
	struct http_config h = {
		.tls_cert = a->cert, .tls_key = a->key, .ops = &ops, .now_ms = now_ms, .arg = a};
	int rc;

	rc = listen_open(cfg->listen, is_exposed(a, cfg), &h.listen_fd, &a->port, a->host, e);
	if (rc)
		return rc;
	set_url(a, cfg->public_url);
	a->http = http_new(&h, e);
	return a->http ? 0 : e->code;
}

static void set_rates(struct api *a, int64_t per_s)
{
	int64_t few = per_s > API_RATE_ANONYMOUS ? per_s / API_RATE_ANONYMOUS : 1;

	a->known_rate = rate_new(per_s, per_s * API_RATE_BURST_S);
	a->anonymous_rate = rate_new(few, few * API_RATE_BURST_S);
}

struct api *api_new(const struct api_config *cfg, struct ctl *ctl, struct err *e)
{
	struct api *a = mem_zalloc(sizeof(*a));
	struct err mine;
	int rc;

	if (!e)
		e = &mine;
	a->ctl = ctl;
	LIST_INIT(&a->tasks);
	LIST_INIT(&a->uploads);
	LIST_INIT(&a->listeners);
	a->keys = map_new();
	a->token_path = mem_printf("%s/%s", cfg->data_dir, AUTH_TOKEN_FILE);
	rc = read_tls(a, cfg, e);
	if (!rc)
		rc = read_public_url(a, cfg, e);
	a->turns = cfg->turns;
	a->turns_processor = cfg->turns_processor;
	set_rates(a, cfg->rate_per_s ? cfg->rate_per_s : API_RATE_PER_S);
	a->names = (struct listen_names){cfg->hosts, a->cert != NULL, a->public_host};
	if (!rc) {
		a->auth = auth_new(cfg->data_dir, e);
		rc = a->auth ? 0 : e->code;
	}
	if (!rc)
		rc = start_http(a, cfg, e);
	if (rc) {
		api_free(a);
		return NULL;
	}
	hub_start(a);
	log_debug("event=api_listening url=%s", rstr_text(a->url));
	return a;
}

static void free_secret(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	mem_free(text);
}

int api_check(const struct api_config *cfg, struct err *e)
{
	struct api a = {0};
	int rc = read_tls(&a, cfg, e);

	if (!rc)
		rc = read_public_url(&a, cfg, e);
	if (!rc)
		rc = listen_check(cfg->listen, is_exposed(&a, cfg), e);
	free_secret(a.cert);
	free_secret(a.key);
	return rc;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	api_drain(a);
	http_free(a->http);
	task_abandon_all(a);
	if (a->watch)
		hub_stop(a);
	auth_free(a->auth);
	map_free(a->keys);
	rate_free(a->known_rate);
	rate_free(a->anonymous_rate);
	free_secret(a->cert);
	free_secret(a->key);
	rstr_unref(a->url);
	rstr_unref(a->links);
	mem_free(a->token_path);
	mem_free(a);
}

int api_epoll_fd(const struct api *a)
{
	return http_epoll_fd(a->http);
}

void api_run(struct api *a)
{
	http_run(a->http);
}

int64_t api_deadline_ms(const struct api *a)
{
	return http_deadline_ms(a->http);
}

int api_port(const struct api *a)
{
	return a->port;
}

const char *api_url(const struct api *a)
{
	return rstr_text(a->url);
}

const char *api_token_path(const struct api *a)
{
	return a->token_path;
}

void api_drain(struct api *a)
{
	if (a->draining)
		return;
	a->draining = true;
	if (!a->http)
		return;
	http_drain(a->http);
	hub_drain(a);
}

bool api_idle(const struct api *a)
{
	struct http_stats st;

	http_get_stats(a->http, &st);
	return !st.requests_live;
}
