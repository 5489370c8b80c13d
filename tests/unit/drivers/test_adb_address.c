/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of the ADB driver: what is one, what becomes of one at which nobody is, names of hosts,
 * the list over a restart, and what a check beforehand says.
 */
#include "support_host_internal.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/adb/adb.h"
#include "drivers/adb/driver_adb.h"

struct rig {
	struct support_host *sh;
	char dir[64];
};

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	strcpy(r->dir, "/tmp/ff-address-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->sh = support_host_new(SUPPORT_INLINE);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;
	char cmd[128];

	support_stop(r->sh);
	support_host_free(r->sh);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", r->dir);
	assert_int_equal(system(cmd), 0);
	free(r);
	return 0;
}

static void start(struct rig *r, const char *address)
{
	const struct driver_option opts[] = {
		{"usb", "off"}, {"server", "127.0.0.1:1"}, {"address", address}};

	support_start(r->sh, &driver_adb, r->dir, opts, address ? 3 : 2);
}

/* ---- what the driver says of them ---- */

struct seen {
	void *inst;
	int n;
	char address[64], trouble[LIMIT_CAUSE];
	bool kept;
};

static void see(void *arg, const char *address, bool kept, const char *trouble)
{
	struct seen *s = arg;

	s->n++;
	s->kept = kept;
	snprintf(s->address, sizeof(s->address), "%s", address);
	snprintf(s->trouble, sizeof(s->trouble), "%s", trouble);
}

static struct seen look(struct rig *r)
{
	struct seen s = {.n = 0};

	driver_adb.addresses(r->sh->inst, see, &s);
	return s;
}

static bool in_trouble(void *arg)
{
	return *look(arg).trouble;
}

/* A port of loopback at which nobody listens, and one at which somebody does. */
static int bound(int *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&sa, n) &&
		    !getsockname(fd, (struct sockaddr *)&sa, &n));
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

/* ---- stories ---- */

static void what_is_an_address(void **state)
{
	static const char *const good[] = {"127.0.0.1:5555", "[::1]:5555", "[2001:db8::1]:65535",
		"localhost:1", "pixel-8.lab.example:5555", "server:0123456789ABCDEF",
		"server:127.0.0.1:5555", "server:emulator-5554"};
	static const char *const bad[] = {"", "127.0.0.1", ":5555", "host", "host:", "host:0",
		"host:65536", "host:5555x", "::1", "::1:5555", "[::1]", "[::1:5555", "[]:5555",
		"[1.2.3.4]:5555", "10.0.0.300:5555", "1.2.3:5555", "a b:5555", "-o:5555",
		"user@host:5555", "server:", "server:a b", "host/:5555",
		"a.name.that.is.longer.than.any.name.of.this.farm.can.ever.be:5555"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (adb_address_check(good[i], &e))
			fail_msg("\"%s\": %s", good[i], e.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (adb_address_check(bad[i], &e) != ERR_INVAL)
			fail_msg("\"%s\" was taken for an address", bad[i]);
}

static void an_address_at_which_nobody_is_says_why_until_it_is_let_be(void **state)
{
	struct rig *r = *state;
	char address[64];
	struct err e = {0};
	int port, fd = bound(&port);

	close(fd);
	start(r, NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	assert_int_equal(driver_adb.address(r->sh->inst, address, true, &e), 0);
	assert_string_equal(look(r).trouble, ""); /* nobody knows yet */
	support_until(r->sh, in_trouble, r);
	assert_string_equal(look(r).address, address);
	assert_true(look(r).kept);
	assert_non_null(strstr(look(r).trouble, "Connection refused"));
	assert_int_equal(support_n_arrived(r->sh), 0);
	assert_int_equal(driver_adb.address(r->sh->inst, address, false, &e), 0);
	assert_int_equal(look(r).n, 0);
}

/* A host with two addresses, at the first of which nobody listens; the resolver's word otherwise. */
int getaddrinfo(
	const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *,
			struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");

	if (!strcmp(host, "nobody.test"))
		return EAI_NONAME;
	if (strcmp(host, "phone.test") != 0)
		return real(host, port, hints, ret);
	assert_int_equal(real("127.0.0.2", port, hints, ret), 0);
	return real("127.0.0.1", port, hints, &(*ret)->ai_next);
}

struct knock {
	struct rig *r;
	int fd, got;
};

static bool knocked(void *arg)
{
	struct knock *k = arg;

	k->got = accept4(k->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (k->got < 0 && in_trouble(k->r))
		support_advance(k->r->sh, 250); /* until it is tried again */
	return k->got >= 0;
}

static void a_name_is_looked_up_and_each_of_its_addresses_is_tried(void **state)
{
	struct rig *r = *state;
	struct knock k = {.r = r};
	char address[64];
	int port;

	k.fd = bound(&port);
	assert_int_equal(fcntl(k.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(listen(k.fd, 4), 0);
	snprintf(address, sizeof(address), "phone.test:%d", port);
	start(r, address);
	support_until(r->sh, knocked, &k);
	assert_non_null(strstr(look(r).trouble, "Connection refused")); /* of the first */
	assert_false(look(r).kept);
	close(k.got);
	close(k.fd);
}

static void a_name_that_nobody_has_says_so(void **state)
{
	struct rig *r = *state;

	start(r, "nobody.test:5555");
	support_until(r->sh, in_trouble, r);
	assert_non_null(strstr(look(r).trouble, "no host \"nobody.test\""));
}

static void the_end_waits_for_a_name_that_is_looked_up(void **state)
{
	struct rig *r = *state;
	struct err e = {0};

	start(r, NULL);
	while (support_step(r->sh))
		;
	support_hold_work(r->sh, SUPPORT_HELD);
	assert_int_equal(driver_adb.address(r->sh->inst, "localhost:1", true, &e), 0);
	while (support_step(r->sh))
		;
	assert_int_equal(driver_adb.address(r->sh->inst, "localhost:1", false, &e), 0);
	support_ask_stop(r->sh);
	while (support_step(r->sh))
		;
	assert_false(support_is_stopped(r->sh));
	support_hold_work(r->sh, SUPPORT_INLINE);
	support_release_work(r->sh);
	support_stop(r->sh);
}

/* ---- beforehand ---- */

static int check(const char *key, const char *value, struct err *e)
{
	const struct driver_option o = {key, value};

	return driver_adb.check(&o, 1, e);
}

static void a_check_says_what_a_start_would(void **state)
{
	struct rig *r = *state;
	struct err e = {0};
	char path[96];
	FILE *f;

	assert_int_equal(check("address", "10.0.0.7:5555", &e), 0);
	assert_int_equal(check("address", "nowhere", &e), ERR_INVAL);
	assert_int_equal(check("server", "10.0.0.1:5037", &e), ERR_INVAL);
	assert_int_equal(check("usb", "maybe", &e), ERR_INVAL);
	assert_int_equal(check("colour", "red", &e), ERR_INVAL);
	snprintf(path, sizeof(path), "%s/key", r->dir);
	assert_int_not_equal(check("adbkey", path, &e), 0);
	assert_non_null(strstr(e.text, path));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("no key", f);
	fclose(f);
	assert_int_not_equal(check("adbkey", path, &e), 0);
	assert_non_null(strstr(e.text, "~/.android/adbkey"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_an_address),
		T(an_address_at_which_nobody_is_says_why_until_it_is_let_be),
		T(a_name_is_looked_up_and_each_of_its_addresses_is_tried),
		T(a_name_that_nobody_has_says_so),
		T(the_end_waits_for_a_name_that_is_looked_up),
		T(a_check_says_what_a_start_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
