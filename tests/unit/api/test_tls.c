/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: the openssl program makes a certificate and is the client. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_openssl(void)
{
	return !system("command -v openssl >/dev/null 2>&1");
}

static void make_certificate(struct rig *r, char *cert, char *key, size_t size)
{
	char command[1024];

	snprintf(cert, size, "%s/cert.pem", r->dir);
	snprintf(key, size, "%s/key.pem", r->dir);
	snprintf(command, sizeof(command),
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
		"-subj /CN=localhost -keyout %s -out %s 2>/dev/null",
		key, cert);
	assert_int_equal(system(command), 0);
}

/* openssl s_client with a pipe at each end. */
struct tls_client {
	pid_t pid;
	int in, out;
};

static void tls_open(struct tls_client *c, int port)
{
	int in[2], out[2];
	char to[32];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	snprintf(to, sizeof(to), "127.0.0.1:%d", port);
	c->pid = fork();
	if (!c->pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(null, 2);
		execlp("openssl", "openssl", "s_client", "-quiet", "-connect", to, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
}

static void tls_close(struct tls_client *c)
{
	close(c->in);
	close(c->out);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}

struct await {
	struct tls_client *c;
	char text[4096];
	size_t len;
};

static bool has_body(void *arg)
{
	struct await *a = arg;
	ssize_t n = read(a->c->out, a->text + a->len, sizeof(a->text) - 1 - a->len);

	if (n > 0)
		a->len += (size_t)n;
	return strstr(a->text, "\"ok\"") != NULL;
}

static void with_a_certificate_it_speaks_tls(void **state)
{
	struct rig *r = *state;
	char cert[128], key[128], request[256];
	struct api_config more = {.tls_cert = cert, .tls_key = key};
	struct await a = {0};
	struct tls_client c;

	if (!has_openssl()) {
		print_message("SKIPPED: there is no openssl program\n");
		skip();
	}
	make_certificate(r, cert, key, sizeof(cert));
	api_free(r->api);
	rig_start(r, &more);
	assert_memory_equal(api_url(r->api), "https://", 8);
	tls_open(&c, api_port(r->api));
	snprintf(request, sizeof(request), "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", r->host);
	assert_int_equal(write(c.in, request, strlen(request)), strlen(request));
	a.c = &c;
	rig_until(r, has_body, &a);
	tls_close(&c);
}

static void start_fails(struct rig *r, const char *cert, const char *key, const char *says)
{
	struct api_config cfg = {
		.listen = "127.0.0.1:0", .data_dir = r->dir, .tls_cert = cert, .tls_key = key};
	struct err e = {0};

	assert_null(api_new(&cfg, r->ctl, &e));
	if (!strstr(e.text, says))
		fail_msg("'%s' does not say '%s'", e.text, says);
}

static void a_certificate_that_is_none_is_refused(void **state)
{
	struct rig *r = *state;
	char path[128], fake[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/nothing.pem", r->dir);
	snprintf(fake, sizeof(fake), "%s/fake.pem", r->dir);
	start_fails(r, path, "", "both");
	start_fails(r, path, path, "cannot read the certificate");
	f = fopen(fake, "we");
	fputs("hello", f);
	fclose(f);
	start_fails(r, fake, fake, "no certificate in PEM form");
	f = fopen(fake, "we");
	fputs("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	start_fails(r, fake, fake, "look at certificate and key");
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(with_a_certificate_it_speaks_tls),
		T(a_certificate_that_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("api_tls", tests, NULL, NULL);
}
