/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of an ADB connection; see support_adb.h. */
#include "support_adb.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define KEYS     4
#define SERVICES 300

/* ---- keys, bytes ---- */

static struct adb_key *test_keys[KEYS];

static void free_keys(void)
{
	for (int i = 0; i < KEYS; i++)
		adb_key_free(test_keys[i]);
}

struct adb_key *adb_test_key(int i)
{
	struct err e = {0};

	assert_true(i < KEYS);
	if (!test_keys[0] && i == 0)
		atexit(free_keys);
	if (!test_keys[i])
		test_keys[i] = adb_key_generate(&e);
	if (!test_keys[i])
		fail_msg("%s", e.text);
	return test_keys[i];
}

uint32_t adb_hash(uint32_t hash, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		hash = hash * 31 + p[i] + 1;
	return hash;
}

/* ---- receivers ---- */

void catcher_opened(void *arg)
{
	((struct catcher *)arg)->opened++;
}

static void catcher_hold(struct catcher *k, const uint8_t *data, size_t n)
{
	struct adb_buf *b = adb_stream_hold(k->s);

	adb_buf_unref(k->held);
	k->held = b;
	k->held_fits = b && data >= b->data && data + n <= b->data + b->cap;
}

static void catcher_data(void *arg, const uint8_t *data, size_t n)
{
	struct catcher *k = arg;

	assert_int_equal(k->closed, 0);
	k->calls++;
	for (size_t i = 0; i < n && k->n + i < sizeof(k->head); i++)
		k->head[k->n + i] = data[i];
	k->n += n;
	k->hash = adb_hash(k->hash, data, n);
	if (k->hold_on_data)
		catcher_hold(k, data, n);
	if (k->pause_on_data)
		adb_stream_base(k->s)->ops->pause(adb_stream_base(k->s), true);
	if (k->close_on_data)
		adb_stream_base(k->s)->ops->close(adb_stream_base(k->s));
	k->hash += data[n - 1] * 0u; /* still there: the sanitizer looks */
}

static void catcher_drained(void *arg)
{
	((struct catcher *)arg)->drained++;
}

static void catcher_closed(void *arg, int code, const char *text)
{
	struct catcher *k = arg;

	k->closed++;
	k->code = code;
	k->s = NULL;
	str_copy(k->text, sizeof(k->text), text);
}

const struct stream_events catcher_events = {catcher_data, catcher_drained, catcher_closed};

/* ---- the device's services ---- */

enum kind { ECHO, SINK, SOURCE };

struct service {
	struct adb_rig *r;
	struct adb_stream *s; /* NULL behind closed() */
	enum kind kind;
	size_t left, made; /* of source: */
};

uint8_t adb_pattern(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

/* source: sends as fast as the stream takes it, whole buffers. */
static void pour(struct service *sv)
{
	uint32_t max = adb_mux_max_payload(adb_device_mux(sv->r->dev));

	while (sv->left) {
		uint32_t n = sv->left < max ? (uint32_t)sv->left : max;
		struct adb_buf *b = adb_buf_new(n);

		for (uint32_t i = 0; i < n; i++)
			b->data[i] = adb_pattern(sv->made + i);
		b->len = n;
		if (!adb_stream_send(sv->s, b)) {
			adb_buf_unref(b);
			return;
		}
		sv->left -= n;
		sv->made += n;
	}
	adb_stream_finish(sv->s);
}

static void service_data(void *arg, const uint8_t *data, size_t n)
{
	struct service *sv = arg;
	struct stream *base = adb_stream_base(sv->s);

	if (sv->kind == ECHO)
		assert_int_equal(base->ops->write(base, data, n), n);
	sv->r->sunk += n;
	sv->r->sunk_hash = adb_hash(sv->r->sunk_hash, data, n);
}

static void service_drained(void *arg)
{
	struct service *sv = arg;

	if (sv->kind == SOURCE)
		pour(sv);
}

static void service_closed(void *arg, int code, const char *text)
{
	struct service *sv = arg;

	(void)code;
	(void)text;
	sv->s = NULL;
	sv->r->services_closed++;
}

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	static const struct stream_events events = {service_data, service_drained, service_closed};
	struct adb_rig *r = arg;
	struct service *sv = &r->services[r->n_services];

	assert_int_equal(n, strlen(service));
	if (!strcmp(service, "never:")) {
		r->asked = s;
		return true;
	}
	if (r->n_services == SERVICES)
		return false;
	*sv = (struct service){.r = r, .s = s};
	if (!strcmp(service, "echo:"))
		sv->kind = ECHO;
	else if (!strcmp(service, "sink:"))
		sv->kind = SINK;
	else if (!strncmp(service, "source:", 7))
		sv->kind = SOURCE;
	else
		return false;
	r->n_services++;
	adb_stream_accept(s, &events, sv);
	if (sv->kind == SOURCE) {
		sv->left = strtoull(service + 7, NULL, 10);
		pour(sv);
	}
	return true;
}

static void dev_online(void *arg, const struct adb_banner *peer)
{
	assert_int_equal(peer->peer, ADB_PEER_HOST);
	((struct adb_rig *)arg)->dev_online++;
}

static void dev_restarted(void *arg)
{
	((struct adb_rig *)arg)->dev_restarted++;
}

static void dev_ended(void *arg, int code, const char *text)
{
	struct adb_rig *r = arg;

	(void)text;
	r->dev_ended++;
	r->dev_code = code;
}

static void dev_token(void *arg, uint8_t dst[ADB_TOKEN])
{
	((struct adb_rig *)arg)->tokens++;
	hash_random(dst, ADB_TOKEN);
}

static bool dev_trusted(void *arg, const uint8_t token[ADB_TOKEN], const void *sig, size_t n)
{
	const struct adb_rig *r = arg;

	return r->trusted && adb_key_verify(r->trusted, token, sig, n);
}

static void dev_offered(void *arg, const char *key_text)
{
	struct adb_rig *r = arg;

	r->offered++;
	str_copy(r->offered_text, sizeof(r->offered_text), key_text);
}

/* ---- the host's events ---- */

static void host_state(void *arg, enum adb_host_state st, const char *text)
{
	struct adb_rig *r = arg;

	r->online += st == ADB_HOST_ONLINE;
	r->unauthorized += st == ADB_HOST_UNAUTHORIZED;
	if (st == ADB_HOST_UNAUTHORIZED)
		assert_true(*text);
}

static void host_ended(void *arg, int code, const char *text)
{
	struct adb_rig *r = arg;

	r->host_ended++;
	r->host_code = code;
	str_copy(r->host_text, sizeof(r->host_text), text);
}

const struct adb_host_events adb_rig_host_events = {host_state, host_ended};
const struct adb_device_events adb_rig_device_events = {
	dev_online, on_open, dev_restarted, dev_ended};

/* ---- both ends ---- */

void adb_rig_init(struct adb_rig *r)
{
	memset(r, 0, sizeof(*r));
	r->sh = support_host_new(SUPPORT_INLINE);
	r->services = mem_zalloc(SERVICES * sizeof(*r->services));
	r->keys.n = 1;
	r->keys.keys[0] = adb_test_key(0);
	str_copy(r->keys.name, sizeof(r->keys.name), "framefarm@test");
	r->hc = (struct adb_host_config){ADB_F_SHELL_V2 | ADB_F_CMD, ADB_PAYLOAD_MAX, &r->keys};
	r->dc = (struct adb_device_config){
		.banner = {ADB_PEER_DEVICE, ADB_F_SHELL_V2 | ADB_F_STAT_V2, "prod", "A phone",
			"dev"},
		.version = ADB_VERSION,
		.max_payload = ADB_PAYLOAD_MAX,
		.auth = true,
		.token = dev_token,
		.trusted = dev_trusted,
		.offered = dev_offered,
	};
	r->trusted = adb_test_key(0);
}

static int listen_on_loopback(struct sockaddr_in *ret_sa)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret_sa);

	*ret_sa = (struct sockaddr_in){.sin_family = AF_INET};
	ret_sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)ret_sa, sizeof(*ret_sa)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_sa, &len), 0);
	return fd;
}

static void connect_tcp(struct adb_rig *r, struct adb_link **ret_a, struct adb_link **ret_b)
{
	struct sockaddr_in sa;
	int fd = listen_on_loopback(&sa);
	char address[64];
	struct err e = {0};

	snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(sa.sin_port));
	*ret_a = adb_link_tcp_connect(support_host(r->sh), address, &e);
	if (!*ret_a)
		fail_msg("%s", e.text);
	*ret_b = adb_link_tcp(
		support_host(r->sh), accept4(fd, NULL, NULL, SOCK_CLOEXEC), "tcp client", 30000);
	close(fd);
}

void adb_rig_go(struct adb_rig *r, enum adb_over over)
{
	struct adb_link *a, *b;

	if (over == ADB_OVER_TCP)
		connect_tcp(r, &a, &b);
	else
		pair_new(support_host(r->sh), &a, &b);
	r->dev = adb_device_new(support_host(r->sh), b, &r->dc, &adb_rig_device_events, r);
	r->host = adb_host_new(support_host(r->sh), a, &r->hc, &adb_rig_host_events, r);
}

struct count {
	const int *have;
	int want;
};

static bool has_count(void *arg)
{
	return *((struct count *)arg)->have >= ((struct count *)arg)->want;
}

void adb_rig_until(struct adb_rig *r, const int *count, int want)
{
	struct count c = {count, want};

	support_until(r->sh, has_count, &c);
}

void adb_rig_until_online(struct adb_rig *r)
{
	adb_rig_until(r, &r->online, 1);
}

struct bytes {
	const size_t *have;
	size_t want;
};

static bool has_bytes(void *arg)
{
	return *((struct bytes *)arg)->have >= ((struct bytes *)arg)->want;
}

void adb_rig_until_bytes(struct adb_rig *r, const size_t *have, size_t want)
{
	struct bytes b = {have, want};

	support_until(r->sh, has_bytes, &b);
}

void adb_rig_open(struct adb_rig *r, struct catcher *k, const char *service)
{
	struct err e = {0};

	memset(k, 0, sizeof(*k));
	k->s = adb_host_open(
		r->host, service, strlen(service), &catcher_events, catcher_opened, k, &e);
	if (!k->s)
		fail_msg("%s", e.text);
}

void adb_settle(struct support_host *sh)
{
	while (support_step(sh))
		;
}

void adb_rig_fini(struct adb_rig *r)
{
	if (r->host)
		adb_host_free(r->host);
	if (r->dev)
		adb_device_free(r->dev);
	adb_settle(r->sh);
	if (r->asked)
		adb_stream_refuse(r->asked);
	adb_settle(r->sh);
	support_host_free(r->sh);
	mem_free(r->services);
}
