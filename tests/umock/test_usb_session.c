/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole session over USB: drivers/adb's host role to its device role, with the real libusb and
 * mocked ports between them.
 */
#include "umock.h"

#include "support_host_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/adb/host.h"
#include "drivers/adb/link.h"
#include "drivers/adb/usb.h"

#define ECHO_BYTES (3 * 1024 * 1024)

struct story {
	struct umock *m;
	struct support_host *sh;
	struct adb_usb *u;
	struct adb_usb_dev *dev;
	struct adb_host_keys keys;
	struct adb_host *host;
	int online, unauthorized, ended, code, appeared;
	bool stopped;

	struct adb_stream *s;
	uint8_t *data;
	size_t sent, got;
	int closed, closed_code;
};

/* ---- the session ---- */

static void on_state(void *arg, enum adb_host_state st, const char *text)
{
	struct story *s = arg;

	(void)text;
	s->online += st == ADB_HOST_ONLINE;
	s->unauthorized += st == ADB_HOST_UNAUTHORIZED;
}

static void on_ended(void *arg, int code, const char *text)
{
	struct story *s = arg;

	(void)text;
	s->ended++;
	s->code = code;
}

static const struct adb_host_events host_events = {on_state, on_ended};

static void on_opened(void *arg, struct adb_link *l, int code, const char *text)
{
	struct story *s = arg;
	struct adb_host_config cfg = {.max_payload = ADB_USB_PAYLOAD, .keys = &s->keys};

	if (code)
		fail_msg("%s", text);
	s->host = adb_host_new(support_host(s->sh), l, &cfg, &host_events, s);
}

static void free_host(struct story *s)
{
	if (s->host)
		adb_host_free(s->host);
	s->host = NULL;
}

static void on_appeared(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;

	s->dev = d;
	s->appeared++;
	assert_int_equal(adb_usb_open(d, on_opened, s), 0);
}

static void on_changed(void *arg, struct adb_usb_dev *d)
{
	(void)arg;
	(void)d;
}

static void on_left(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;

	assert_ptr_equal(s->dev, d);
	free_host(s);
	s->dev = NULL;
}

static const struct adb_usb_events usb_events = {on_appeared, on_changed, on_left};

/* ---- a stream that is sent back ---- */

static void push_on(struct story *s)
{
	struct stream *st = adb_stream_base(s->s);

	s->sent += st->ops->write(st, s->data + s->sent, ECHO_BYTES - s->sent);
}

static void on_data(void *arg, const uint8_t *data, size_t n)
{
	struct story *s = arg;

	assert_true(s->got + n <= s->sent);
	assert_memory_equal(data, s->data + s->got, n);
	s->got += n;
}

static void on_drained(void *arg)
{
	push_on(arg);
}

static void on_closed(void *arg, int code, const char *text)
{
	struct story *s = arg;

	(void)text;
	s->s = NULL;
	s->closed++;
	s->closed_code = code;
}

static const struct stream_events stream_events = {on_data, on_drained, on_closed};

static void open_echo(struct story *s)
{
	struct err e = {0};

	s->sent = s->got = 0;
	s->s = adb_host_open(s->host, "echo", 4, &stream_events, NULL, s, &e);
	if (!s->s)
		fail_msg("%s", e.text);
	push_on(s);
}

/* ---- waiting ---- */

static bool is_online(void *arg)
{
	return ((struct story *)arg)->online;
}

static bool all_back(void *arg)
{
	return ((struct story *)arg)->got == ECHO_BYTES;
}

static bool some_back(void *arg)
{
	return ((struct story *)arg)->got > 0;
}

static bool is_closed(void *arg)
{
	return ((struct story *)arg)->closed;
}

static bool has_ended(void *arg)
{
	return ((struct story *)arg)->ended;
}

static bool gone(void *arg)
{
	return !((struct story *)arg)->dev;
}

static bool is_stopped(void *arg)
{
	return ((struct story *)arg)->stopped;
}

static bool opened(void *arg)
{
	return ((struct story *)arg)->host != NULL;
}

/* No work on the pool, and nothing ready in the loop. */
static bool nothing_left(void *arg)
{
	struct support_host *sh = ((struct story *)arg)->sh;

	return !sh->n_threads && !sh->queued && support_step(sh) == 0 && !sh->n_threads;
}

/* ---- the frame ---- */

static int set_up(void **state)
{
	struct story *s = mem_zalloc(sizeof(*s));
	const struct adb_usb_config cfg = {.mode = ADB_USB_HOTPLUG};
	struct err e = {0};

	s->m = umock_start();
	s->sh = support_host_new(SUPPORT_THREADS);
	s->data = mem_alloc(ECHO_BYTES);
	for (size_t i = 0; i < ECHO_BYTES; i++)
		s->data[i] = i * 31 >> 7;
	assert_int_equal(adb_usb_new(support_host(s->sh), &cfg, &usb_events, s, &s->u, &e), 0);
	*state = s;
	return 0;
}

static void on_stopped(void *arg)
{
	((struct story *)arg)->stopped = true;
}

static int tear_down(void **state)
{
	struct story *s = *state;

	free_host(s);
	adb_usb_stop(s->u, on_stopped, s);
	support_until(s->sh, is_stopped, s);
	support_until(s->sh, nothing_left, s);
	support_host_free(s->sh);
	umock_stop(s->m);
	for (int i = 0; i < s->keys.n; i++)
		adb_key_free(s->keys.keys[i]);
	mem_free(s->data);
	mem_free(s);
	return 0;
}

static void streams_run_over_usb(void **state)
{
	struct story *s = *state;

	umock_tell(s->m, "plug 1-1 role=device");
	support_until(s->sh, is_online, s);
	assert_int_equal(adb_mux_max_payload(adb_host_mux(s->host)), ADB_USB_PAYLOAD);
	assert_string_equal(adb_host_banner(s->host)->model, "Umock");
	open_echo(s);
	support_until(s->sh, all_back, s);
	assert_int_equal(umock_tell(s->m, "ask 1-1 violations"), 0);
}

static void a_phone_that_asks_for_a_key(void **state)
{
	struct story *s = *state;
	struct err e = {0};

	s->keys.keys[s->keys.n++] = adb_key_generate(&e);
	snprintf(s->keys.name, sizeof(s->keys.name), "framefarm@test");
	umock_tell(s->m, "plug 1-1 role=auth");
	support_until(s->sh, is_online, s);
	assert_int_equal(s->unauthorized, 1);
	open_echo(s);
	support_until(s->sh, all_back, s);
}

static void unplugged_in_mid_stream(void **state)
{
	struct story *s = *state;

	umock_tell(s->m, "plug 1-1 role=device");
	support_until(s->sh, is_online, s);
	open_echo(s);
	support_until(s->sh, some_back, s);
	umock_tell(s->m, "unplug 1-1");
	support_until(s->sh, gone, s);
	support_until(s->sh, is_closed, s);
	assert_int_equal(s->closed, 1);
	assert_int_equal(s->closed_code, ERR_GONE);
	/* And back, under another address. */
	s->online = 0;
	umock_tell(s->m, "plug 1-1 role=device");
	support_until(s->sh, is_online, s);
	open_echo(s);
	support_until(s->sh, all_back, s);
}

/* Its last owner died: leftovers come, and nothing is taken. */
static void begin_out_of_step(struct story *s)
{
	umock_tell(s->m, "plug 1-1 role=device");
	umock_tell(s->m, "deaf 1-1 1");
	umock_tell(s->m, "stale 1-1 100000");
	support_until(s->sh, opened, s);
	support_until(s->sh, nothing_left, s);
	assert_int_equal(s->online, 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 halts"), 0); /* not before it is needed */
	support_advance(s->sh, ADB_HANDSHAKE_MS);
	support_until(s->sh, nothing_left, s);
	assert_int_equal(umock_tell(s->m, "ask 1-1 halts"), 2);
}

static void a_phone_out_of_step_is_brought_back(void **state)
{
	struct story *s = *state;

	begin_out_of_step(s);
	umock_tell(s->m, "deaf 1-1 0");
	support_until(s->sh, is_online, s);
	open_echo(s);
	support_until(s->sh, all_back, s);
	assert_int_equal(s->ended, 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 resets"), 0);
}

static bool appeared_twice(void *arg)
{
	return ((struct story *)arg)->appeared == 2;
}

static void reset_when_nothing_else_helps(void **state)
{
	struct story *s = *state;

	begin_out_of_step(s);
	support_advance(s->sh, ADB_HANDSHAKE_MS);
	support_until(s->sh, has_ended, s);
	assert_int_equal(s->code, ERR_GONE);
	assert_int_equal(umock_tell(s->m, "ask 1-1 resets"), 1);
	umock_tell(s->m, "deaf 1-1 0");
	support_until(s->sh, appeared_twice, s);
	support_until(s->sh, is_online, s);
	open_echo(s);
	support_until(s->sh, all_back, s);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(streams_run_over_usb),
		STORY(a_phone_that_asks_for_a_key),
		STORY(unplugged_in_mid_stream),
		STORY(a_phone_out_of_step_is_brought_back),
		STORY(reset_when_nothing_else_helps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
