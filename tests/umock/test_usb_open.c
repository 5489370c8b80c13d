/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/adb/usb*.c over the real libusb: what keeps a phone from being opened, and handing it over. */
#include "usbuser.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what keeps us from opening ---- */

static void held_by_another_program(void **state)
{
	struct story *s = *state;
	struct port *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1");
	umock_tell(s->m, "hold 1-1");
	usb_start(s, ADB_USB_HOTPLUG, 1); /* nothing listens on port 1 */
	usb_until(s, usb_has_appeared, s, 1);
	usb_open_fails(s, p, ERR_BUSY, "in use by another program");
	assert_int_equal(adb_usb_info(p->d)->need, ADB_USB_HELD);
	assert_true(adb_usb_info(p->d)->may_pass);
	support_advance(s->sh, ADB_USB_WATCH_MS);
	support_until(s->sh, usb_nothing_left, s);
	assert_int_equal(p->changed, 0);
	umock_tell(s->m, "release 1-1");
	while (!p->changed) {
		support_advance(s->sh, ADB_USB_WATCH_MS);
		support_until(s->sh, usb_nothing_left, s);
	}
	assert_string_equal(adb_usb_info(p->d)->text, "");
	p->opened = 0;
	usb_talk(s, 0);
}

static void held_by_an_adb_server(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	struct story *s = *state;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	umock_tell(s->m, "plug 1-1 serial=R58M12ABCDE");
	umock_tell(s->m, "hold 1-1");
	usb_start(s, ADB_USB_HOTPLUG, ntohs(sa.sin_port));
	usb_until(s, usb_has_appeared, s, 1);
	usb_open_fails(s, &s->phones[0], ERR_BUSY, "device connect server:R58M12ABCDE");
	close(fd);
}

/* As root, the node's mode says nothing; nobody has no rights. */
static void as_nobody(bool on)
{
	if (getuid() != 0 && geteuid() != 65534)
		return;
	assert_int_equal(on ? setresuid(65534, 65534, 0) : setresuid(0, 0, 0), 0);
}

/* umockdev's preload connects to its bus for an open() that failed too, and keeps that socket. */
static void forgive_sockets(struct story *s, int failed_opens)
{
	s->sh->n_fds += failed_opens;
}

static void no_permission(void **state)
{
	struct story *s = *state;
	struct port *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1 mode=0");
	as_nobody(true);
	usb_start(s, ADB_USB_HOTPLUG, 0);
	usb_until(s, usb_has_appeared, s, 1);
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	for (int i = 0; i < 3; i++) { /* udev may be late */
		support_until(s->sh, usb_nothing_left, s);
		support_advance(s->sh, 200);
	}
	usb_until(s, usb_has_answered, p, 1);
	assert_int_equal(p->open_code, ERR_PERM);
	assert_int_equal(adb_usb_info(p->d)->need, ADB_USB_NO_PERMISSION);
	assert_non_null(strstr(p->open_text, "udev rule"));
	assert_non_null(strstr(p->open_text, "plugdev"));
	assert_non_null(strstr(p->open_text, "framefarm doctor"));
	assert_non_null(strstr(p->open_text, "/dev/bus/usb/001/002"));
	umock_tell(s->m, "chmod 1-1 666");
	support_advance(s->sh, ADB_USB_WATCH_MS);
	usb_until(s, usb_has_changed, p, 1);
	p->opened = 0;
	usb_talk(s, 0);
	forgive_sockets(s, 4);
	as_nobody(false);
}

static void udev_is_late(void **state)
{
	struct story *s = *state;
	struct port *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1 mode=0");
	as_nobody(true);
	usb_start(s, ADB_USB_HOTPLUG, 0);
	usb_until(s, usb_has_appeared, s, 1);
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	support_until(s->sh, usb_nothing_left, s);
	umock_tell(s->m, "chmod 1-1 666");
	for (int i = 0; i < 3 && !p->opened; i++) {
		support_advance(s->sh, 200);
		support_until(s->sh, usb_nothing_left, s);
	}
	usb_until(s, usb_has_answered, p, 1);
	assert_int_equal(p->open_code, 0);
	forgive_sockets(s, 1);
	as_nobody(false);
}

static void on_detached(void *arg)
{
	((struct port *)arg)->detached++;
}

static void handed_over_and_taken_back(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	assert_int_equal(adb_usb_detach(p->d, on_detached, p), ERR_BUSY);
	assert_int_equal(umock_tell(s->m, "ask 1-1 claimed"), 1);
	usb_close(p);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), 0);
	assert_int_equal(p->detached, 0);
	usb_until(s, usb_is_detached, p, 1);
	assert_int_equal(umock_tell(s->m, "ask 1-1 claimed"), 0);
	assert_int_equal(adb_usb_open(p->d, usb_opened, p), ERR_WRONGSTATE);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), ERR_WRONGSTATE);
	umock_tell(s->m, "hold 1-1");
	assert_int_equal(adb_usb_attach(p->d), 0);
	assert_int_equal(adb_usb_attach(p->d), ERR_WRONGSTATE);
	usb_open_fails(s, p, ERR_BUSY, "in use");
	usb_close(p);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), 0); /* none was open */
	usb_until(s, usb_is_detached, p, 2);
	umock_tell(s->m, "release 1-1");
	assert_int_equal(adb_usb_attach(p->d), 0);
	p->opened = p->cnxns = 0;
	usb_talk(s, 0);
}

static void opened_again_at_once(void **state)
{
	struct story *s = *state;
	struct port *p = usb_plug_and_talk(s);

	usb_close(p);
	p->opened = p->cnxns = 0;
	usb_talk(s, 0); /* behind the release, though asked before it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(held_by_another_program),
		STORY(held_by_an_adb_server),
		STORY(no_permission),
		STORY(udev_is_late),
		STORY(handed_over_and_taken_back),
		STORY(opened_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
