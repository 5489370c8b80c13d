/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drivers/adb/usb*.c over the real libusb: phones that come and go, that cannot be opened, that break
 * in mid-transfer. The pool's work runs on threads of its own; time is virtual.
 */
#include "umock.h"

#include "support_host_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/adb/link.h"
#include "drivers/adb/link_usb.h"
#include "drivers/adb/usb.h"

#define PHONES 40

/* ---- a user of usb.h ---- */

struct phone {
	struct story *s;
	struct adb_usb_dev *d; /* NULL once it left */
	struct adb_link *l;
	int opened, open_code; /* answers, and the last one's code */
	int changed, detached;
	char open_text[LIMIT_CAUSE];

	int n_out; /* packets to send, each of out_n bytes */
	uint32_t out_command;
	size_t out_n;
	int cnxns, okays, wrtes; /* that came */
	size_t wrte_n;
	int broken, code;
	char text[LIMIT_CAUSE];
	int resynced, resync_code;
};

struct story {
	struct umock *m;
	struct support_host *sh;
	struct adb_usb *u;
	struct phone phones[PHONES + 8];
	int n, left;
	bool open_at_once, stopped;
};

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct phone *p = arg;

	for (uint32_t i = 0; i < h->len && h->command == ADB_WRTE; i++)
		if (payload[i] != (uint8_t)(i * 7))
			fail_msg("byte %u of the echo is %u", i, payload[i]);
	p->cnxns += h->command == ADB_CNXN;
	p->okays += h->command == ADB_OKAY;
	p->wrtes += h->command == ADB_WRTE;
	p->wrte_n = h->len;
	if (h->command == ADB_CNXN)
		p->l->ops->agreed(p->l, ADB_VERSION_SUM, ADB_USB_PAYLOAD);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct phone *p = arg;

	if (!p->n_out)
		return false;
	p->n_out--;
	*ret_out = (struct adb_out){.command = p->out_command, .arg0 = 1, .arg1 = 1};
	ret_out->buf = adb_buf_new(p->out_n);
	ret_out->buf->len = p->out_n;
	for (size_t i = 0; i < p->out_n; i++)
		ret_out->buf->data[i] = i * 7;
	return true;
}

static void on_broken(void *arg, int code, const char *text)
{
	struct phone *p = arg;

	p->broken++;
	p->code = code;
	snprintf(p->text, sizeof(p->text), "%s", text);
}

static const struct adb_link_events link_events = {on_packet, on_next, on_broken};

static void on_resynced(void *arg, int code)
{
	struct phone *p = arg;

	p->resynced++;
	p->resync_code = code;
}

static void on_opened(void *arg, struct adb_link *l, int code, const char *text)
{
	struct phone *p = arg;

	assert_int_equal(l != NULL, code == 0);
	p->opened++;
	p->open_code = code;
	snprintf(p->open_text, sizeof(p->open_text), "%s", text);
	p->l = l;
	if (!l)
		return;
	l->events = &link_events;
	l->arg = p;
}

static void send_packets(struct phone *p, uint32_t command, int n, size_t bytes)
{
	p->out_command = command;
	p->n_out = n;
	p->out_n = bytes;
	p->l->ops->kick(p->l);
}

static void close_link(struct phone *p)
{
	if (p->l)
		p->l->ops->close(p->l);
	p->l = NULL;
}

static void on_appeared(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;
	struct phone *p = &s->phones[s->n];

	assert_true(s->n < PHONES + 8);
	s->n++;
	*p = (struct phone){.s = s, .d = d};
	adb_usb_set_user(d, p);
	if (s->open_at_once)
		assert_int_equal(adb_usb_open(d, on_opened, p), 0);
}

static void on_changed(void *arg, struct adb_usb_dev *d)
{
	struct phone *p = adb_usb_user(d);

	(void)arg;
	assert_int_equal(adb_usb_info(d)->need, ADB_USB_READY);
	p->changed++;
}

static void on_left(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;
	struct phone *p = adb_usb_user(d);

	assert_ptr_equal(p->d, d);
	s->left++;
	close_link(p);
	p->d = NULL;
}

static const struct adb_usb_events usb_events = {on_appeared, on_changed, on_left};

/* ---- waiting ---- */

static int wanted;

static bool appeared(void *arg)
{
	return ((struct story *)arg)->n >= wanted;
}

static bool gone(void *arg)
{
	return ((struct story *)arg)->left >= wanted;
}

static bool answered(void *arg)
{
	return ((struct phone *)arg)->opened >= wanted;
}

static bool connected(void *arg)
{
	return ((struct phone *)arg)->cnxns >= wanted;
}

static bool echoed(void *arg)
{
	return ((struct phone *)arg)->wrtes >= wanted;
}

static bool has_changed(void *arg)
{
	return ((struct phone *)arg)->changed >= wanted;
}

static bool is_broken(void *arg)
{
	return ((struct phone *)arg)->broken >= wanted;
}

static bool resynced(void *arg)
{
	return ((struct phone *)arg)->resynced >= wanted;
}

static bool detached(void *arg)
{
	return ((struct phone *)arg)->detached >= wanted;
}

static bool is_stopped(void *arg)
{
	return ((struct story *)arg)->stopped;
}

static void until(struct story *s, bool (*cond)(void *arg), void *arg, int n)
{
	wanted = n;
	support_until(s->sh, cond, arg);
}

/* No work on the pool, and nothing ready in the loop. What the bus was asked for, it has done. */
static bool nothing_left(void *arg)
{
	struct support_host *sh = ((struct story *)arg)->sh;

	return !sh->n_threads && !sh->queued && support_step(sh) == 0 && !sh->n_threads;
}

/* ---- the story's frame ---- */

static void start(struct story *s, enum adb_usb_mode mode, uint16_t port)
{
	const struct adb_usb_config cfg = {.mode = mode, .server_port = port};
	struct err e = {0};

	if (adb_usb_new(support_host(s->sh), &cfg, &usb_events, s, &s->u, &e))
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	struct story *s = mem_zalloc(sizeof(*s));

	s->m = umock_start();
	s->sh = support_host_new(SUPPORT_THREADS);
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

	for (int i = 0; i < s->n; i++)
		close_link(&s->phones[i]);
	support_advance(s->sh, ADB_USB_LEAVE_MS);
	adb_usb_stop(s->u, on_stopped, s);
	until(s, is_stopped, s, 0);
	support_host_free(s->sh);
	umock_stop(s->m);
	mem_free(s);
	return 0;
}

/* The nth phone, open and in step. */
static struct phone *talk(struct story *s, int n)
{
	struct phone *p = &s->phones[n];

	until(s, appeared, s, n + 1);
	if (!p->opened && !s->open_at_once)
		assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	until(s, answered, p, 1);
	if (p->open_code)
		fail_msg("%s", p->open_text);
	send_packets(p, ADB_CNXN, 1, 20);
	until(s, connected, p, 1);
	return p;
}

static struct phone *plug_and_talk(struct story *s)
{
	umock_tell(s->m, "plug 1-1");
	start(s, ADB_USB_HOTPLUG, 0);
	return talk(s, 0);
}

static void open_fails(struct story *s, struct phone *p, int code, const char *word)
{
	int n = p->opened;

	assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	assert_int_equal(p->opened, n);
	until(s, answered, p, n + 1);
	assert_int_equal(p->open_code, code);
	if (!strstr(p->open_text, word))
		fail_msg("\"%s\" does not speak of \"%s\"", p->open_text, word);
	assert_string_equal(adb_usb_info(p->d)->text, p->open_text);
}

/* ---- finding ---- */

static void a_phone_is_found_and_talked_to(void **state)
{
	static const size_t lens[] = {1, 511, 512, 1024, 4096, 262144};
	struct story *s = *state;
	const struct adb_usb_info *i;
	struct phone *p;

	umock_tell(s->m, "plug 1-4.2 serial=8A2X vid=18d1 pid=4ee7 product=Pixel_8");
	start(s, ADB_USB_HOTPLUG, 0);
	assert_int_equal(s->n, 0);
	p = talk(s, 0);
	i = adb_usb_info(p->d);
	assert_string_equal(i->path, "1-4.2");
	assert_string_equal(i->serial, "8A2X");
	assert_string_equal(i->product, "Pixel_8");
	assert_int_equal(i->vid, 0x18d1);
	assert_int_equal(i->pid, 0x4ee7);
	assert_int_equal(i->need, ADB_USB_READY);
	assert_string_equal(p->l->where, "usb 1-4.2");
	for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
		p->wrtes = 0;
		send_packets(p, ADB_WRTE, 5, lens[k]);
		until(s, echoed, p, 5);
		assert_int_equal(p->wrte_n, lens[k]);
	}
	assert_int_equal(umock_tell(s->m, "ask 1-4.2 violations"), 0);
	assert_int_equal(adb_usb_open(p->d, on_opened, p), ERR_BUSY);
}

static void an_idle_phone_costs_nothing(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	/* A read is in flight; nothing in the loop is ready. */
	support_until(s->sh, nothing_left, s);
	assert_int_equal(support_step(s->sh), 0);
	assert_int_equal(p->broken, 0);
}

static void phones_come_and_go(void **state)
{
	struct story *s = *state;

	start(s, ADB_USB_HOTPLUG, 0);
	s->open_at_once = true;
	for (int i = 0; i < 5; i++) {
		umock_tell(s->m, "plug 1-1");
		talk(s, i);
		assert_string_equal(adb_usb_info(s->phones[i].d)->path, "1-1");
		umock_tell(s->m, "unplug 1-1");
		until(s, gone, s, i + 1);
		assert_null(s->phones[i].d);
	}
}

static void phones_come_and_go_without_udev(void **state)
{
	struct story *s = *state;

	umock_tell(s->m, "plug 1-1");
	start(s, ADB_USB_SCAN, 0);
	talk(s, 0);
	umock_tell(s->m, "plug 1-2");
	support_advance(s->sh, ADB_USB_SCAN_MS);
	talk(s, 1);
	support_until(s->sh, nothing_left, s);
	assert_int_equal(s->n, 2); /* what is known does not appear twice */
	umock_tell(s->m, "unplug 1-1");
	umock_tell(s->m, "plug 1-1");
	support_advance(s->sh, ADB_USB_SCAN_MS);
	until(s, gone, s, 1);
	talk(s, 2);
	s->phones[1].wrtes = 0;
	send_packets(&s->phones[1], ADB_WRTE, 1, 1000);
	until(s, echoed, &s->phones[1], 1);
}

static void serials_may_be_empty_or_doubled(void **state)
{
	struct story *s = *state;
	int seen = 0;

	umock_tell(s->m, "plug 1-1 serial=0123456789ABCDEF");
	umock_tell(s->m, "plug 1-2 serial=0123456789ABCDEF");
	umock_tell(s->m, "plug 1-3 serial=");
	umock_tell(s->m, "plug 1-4 serial=");
	start(s, ADB_USB_HOTPLUG, 0);
	for (int i = 0; i < 4; i++) {
		talk(s, i);
		seen |= 1 << (adb_usb_info(s->phones[i].d)->path[2] - '0');
	}
	assert_int_equal(seen, 0x1e);
}

static void what_is_no_phone_is_passed_over(void **state)
{
	struct story *s = *state;
	const struct adb_usb_info *i;

	umock_tell(s->m, "plug 1-1 class=09 vid=05e3");      /* a hub */
	umock_tell(s->m, "plug 1-2 iface=storage vid=04e8"); /* Samsung's disk */
	umock_tell(s->m, "plug 1-3 iface=mtp vid=04a9");     /* a camera */
	umock_tell(s->m, "plug 1-4 mps=500");                /* no size of bulk packets */
	umock_tell(s->m, "plug 1-5 iface=mtp vid=22d9 product=CPH2449");
	start(s, ADB_USB_HOTPLUG, 0);
	until(s, appeared, s, 1);
	umock_tell(s->m, "plug 1-6 iface=dbc vid=18d1");
	talk(s, 1);
	assert_int_equal(s->n, 2);
	i = adb_usb_info(s->phones[0].d);
	assert_string_equal(i->path, "1-5");
	assert_int_equal(i->need, ADB_USB_NO_DEBUGGING);
	assert_non_null(strstr(i->text, "USB debugging"));
	assert_non_null(strstr(i->text, "CPH2449"));
	assert_int_equal(adb_usb_open(s->phones[0].d, on_opened, NULL), ERR_WRONGSTATE);
	/* Switched on, it enumerates anew. */
	umock_tell(s->m, "unplug 1-5");
	umock_tell(s->m, "plug 1-5 vid=22d9");
	talk(s, 2);
	assert_string_equal(adb_usb_info(s->phones[2].d)->path, "1-5");
}

/* ---- what keeps us from opening ---- */

static void held_by_another_program(void **state)
{
	struct story *s = *state;
	struct phone *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1");
	umock_tell(s->m, "hold 1-1");
	start(s, ADB_USB_HOTPLUG, 1); /* nothing listens on port 1 */
	until(s, appeared, s, 1);
	open_fails(s, p, ERR_BUSY, "in use by another program");
	assert_int_equal(adb_usb_info(p->d)->need, ADB_USB_HELD);
	assert_true(adb_usb_info(p->d)->may_pass);
	support_advance(s->sh, ADB_USB_WATCH_MS);
	support_until(s->sh, nothing_left, s);
	assert_int_equal(p->changed, 0);
	umock_tell(s->m, "release 1-1");
	while (!p->changed) {
		support_advance(s->sh, ADB_USB_WATCH_MS);
		support_until(s->sh, nothing_left, s);
	}
	assert_string_equal(adb_usb_info(p->d)->text, "");
	p->opened = 0;
	talk(s, 0);
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
	start(s, ADB_USB_HOTPLUG, ntohs(sa.sin_port));
	until(s, appeared, s, 1);
	open_fails(s, &s->phones[0], ERR_BUSY, "device connect server:R58M12ABCDE");
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
	struct phone *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1 mode=0");
	as_nobody(true);
	start(s, ADB_USB_HOTPLUG, 0);
	until(s, appeared, s, 1);
	assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	for (int i = 0; i < 3; i++) { /* udev may be late */
		support_until(s->sh, nothing_left, s);
		support_advance(s->sh, 200);
	}
	until(s, answered, p, 1);
	assert_int_equal(p->open_code, ERR_PERM);
	assert_int_equal(adb_usb_info(p->d)->need, ADB_USB_NO_PERMISSION);
	assert_non_null(strstr(p->open_text, "udev rule"));
	assert_non_null(strstr(p->open_text, "plugdev"));
	assert_non_null(strstr(p->open_text, "framefarm doctor"));
	assert_non_null(strstr(p->open_text, "/dev/bus/usb/001/002"));
	umock_tell(s->m, "chmod 1-1 666");
	support_advance(s->sh, ADB_USB_WATCH_MS);
	until(s, has_changed, p, 1);
	p->opened = 0;
	talk(s, 0);
	forgive_sockets(s, 4);
	as_nobody(false);
}

static void udev_is_late(void **state)
{
	struct story *s = *state;
	struct phone *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1 mode=0");
	as_nobody(true);
	start(s, ADB_USB_HOTPLUG, 0);
	until(s, appeared, s, 1);
	assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	support_until(s->sh, nothing_left, s);
	umock_tell(s->m, "chmod 1-1 666");
	for (int i = 0; i < 3 && !p->opened; i++) {
		support_advance(s->sh, 200);
		support_until(s->sh, nothing_left, s);
	}
	until(s, answered, p, 1);
	assert_int_equal(p->open_code, 0);
	forgive_sockets(s, 1);
	as_nobody(false);
}

static void on_detached(void *arg)
{
	((struct phone *)arg)->detached++;
}

static void handed_over_and_taken_back(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	assert_int_equal(adb_usb_detach(p->d, on_detached, p), ERR_BUSY);
	assert_int_equal(umock_tell(s->m, "ask 1-1 claimed"), 1);
	close_link(p);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), 0);
	assert_int_equal(p->detached, 0);
	until(s, detached, p, 1);
	assert_int_equal(umock_tell(s->m, "ask 1-1 claimed"), 0);
	assert_int_equal(adb_usb_open(p->d, on_opened, p), ERR_WRONGSTATE);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), ERR_WRONGSTATE);
	umock_tell(s->m, "hold 1-1");
	assert_int_equal(adb_usb_attach(p->d), 0);
	assert_int_equal(adb_usb_attach(p->d), ERR_WRONGSTATE);
	open_fails(s, p, ERR_BUSY, "in use");
	close_link(p);
	assert_int_equal(adb_usb_detach(p->d, on_detached, p), 0); /* none was open */
	until(s, detached, p, 2);
	umock_tell(s->m, "release 1-1");
	assert_int_equal(adb_usb_attach(p->d), 0);
	p->opened = p->cnxns = 0;
	talk(s, 0);
}

static void opened_again_at_once(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	close_link(p);
	p->opened = p->cnxns = 0;
	talk(s, 0); /* behind the release, though asked before it */
}

/* ---- in mid-transfer ---- */

static void unplugged_in_mid_transfer(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	umock_tell(s->m, "deaf 1-1 1");
	send_packets(p, ADB_WRTE, 100, 65536);
	support_until(s->sh, nothing_left, s);
	umock_tell(s->m, "unplug 1-1");
	until(s, gone, s, 1);
	assert_true(p->broken <= 1);
	if (p->broken)
		assert_int_equal(p->code, ERR_GONE);
}

static void unplugged_without_udev(void **state)
{
	struct story *s = *state;
	struct phone *p;

	umock_tell(s->m, "plug 1-1");
	start(s, ADB_USB_SCAN, 0);
	p = talk(s, 0);
	umock_tell(s->m, "unplug 1-1");
	until(s, is_broken, p, 1); /* the transfer tells, long before the scan */
	assert_int_equal(p->code, ERR_GONE);
	close_link(p);
	support_advance(s->sh, ADB_USB_SCAN_MS);
	until(s, gone, s, 1);
}

static void unplugged_while_it_is_opened(void **state)
{
	struct story *s = *state;
	struct phone *p = &s->phones[0];

	umock_tell(s->m, "plug 1-1");
	start(s, ADB_USB_HOTPLUG, 0);
	until(s, appeared, s, 1);
	support_hold_work(s->sh, SUPPORT_HELD);
	assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	umock_tell(s->m, "unplug 1-1");
	until(s, gone, s, 1);
	assert_int_equal(p->opened, 1);
	assert_int_equal(p->open_code, ERR_GONE);
	support_release_work(s->sh);
}

static void leftovers_of_a_dead_owner(void **state)
{
	struct story *s = *state;
	struct phone *p;

	umock_tell(s->m, "plug 1-1");
	umock_tell(s->m, "stale 1-1 40000");
	start(s, ADB_USB_HOTPLUG, 0);
	p = talk(s, 0);
	send_packets(p, ADB_WRTE, 1, 512);
	until(s, echoed, p, 1);
}

static void a_dead_owner_left_half_a_packet(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	/* The phone has a header and waits for its payload. */
	umock_tell(s->m, "nomem 1-1 100");
	send_packets(p, ADB_WRTE, 1, 3000);
	support_until(s->sh, nothing_left, s);
	close_link(p); /* it cannot give the rest either */
	support_until(s->sh, nothing_left, s);
	umock_tell(s->m, "nomem 1-1 1000000");
	p->opened = p->cnxns = p->n_out = 0;
	assert_int_equal(adb_usb_open(p->d, on_opened, p), 0);
	until(s, answered, p, 1);
	/* It takes our CNXN for that payload. The next step of the escalation is heard. */
	send_packets(p, ADB_CNXN, 1, 20);
	support_until(s->sh, nothing_left, s);
	assert_true(umock_tell(s->m, "ask 1-1 violations") > 0);
	assert_int_equal(p->l->ops->resync(p->l, 0, on_resynced, p), 0);
	until(s, resynced, p, 1);
	assert_int_equal(p->cnxns, 0);
	send_packets(p, ADB_CNXN, 1, 20);
	until(s, connected, p, 1);
}

static void a_stall_breaks_the_link(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	umock_tell(s->m, "stall 1-1");
	send_packets(p, ADB_WRTE, 1, 1000);
	until(s, is_broken, p, 1);
	assert_int_equal(p->code, ERR_IO);
	close_link(p);
	p->opened = p->cnxns = 0;
	talk(s, 0);
}

static void a_deaf_phone_is_timed_out(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	umock_tell(s->m, "deaf 1-1 1");
	send_packets(p, ADB_WRTE, 1, 1000);
	support_until(s->sh, nothing_left, s);
	support_advance(s->sh, ADB_USB_WRITE_MS);
	until(s, is_broken, p, 1);
	assert_int_equal(p->code, ERR_TIMEOUT);
}

static void short_of_memory(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	umock_tell(s->m, "nomem 1-1 20000");
	send_packets(p, ADB_WRTE, 3, 262144);
	until(s, echoed, p, 3);
	assert_int_equal(p->broken, 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 violations"), 0);
	assert_int_equal(umock_tell(s->m, "ask 1-1 longest"), ADB_USB_SPLIT);
}

static void cleared_and_in_step_again(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	for (int level = 0; level < 2; level++) {
		umock_tell(s->m, "deaf 1-1 1");
		send_packets(p, ADB_WRTE, 50, 1000);
		support_until(s->sh, nothing_left, s);
		p->n_out = p->cnxns = 0;
		assert_int_equal(p->l->ops->resync(p->l, level, on_resynced, p), 0);
		until(s, resynced, p, level + 1);
		assert_int_equal(p->resync_code, 0);
		assert_int_equal(umock_tell(s->m, "ask 1-1 halts"), 2 * level);
		umock_tell(s->m, "deaf 1-1 0");
		send_packets(p, ADB_CNXN, 1, 20);
		until(s, connected, p, 1);
	}
	assert_int_equal(p->broken, 0);
}

static void reset_and_arrived_anew(void **state)
{
	struct story *s = *state;
	struct phone *p = plug_and_talk(s);

	assert_int_equal(p->l->ops->resync(p->l, 2, on_resynced, p), 0);
	until(s, is_broken, p, 1);
	assert_int_equal(p->resynced, 1);
	assert_int_equal(p->code, ERR_GONE);
	assert_int_equal(umock_tell(s->m, "ask 1-1 resets"), 1);
	close_link(p);
	until(s, gone, s, 1);
	talk(s, 1);
	assert_string_equal(adb_usb_info(s->phones[1].d)->path, "1-1");
	assert_int_equal(s->n, 2);
}

/* ---- many ---- */

static void forty_phones(void **state)
{
	struct story *s = *state;

	start(s, ADB_USB_HOTPLUG, 0);
	s->open_at_once = true;
	for (int i = 0; i < PHONES; i++)
		umock_tell(s->m, "plug 1-%d.%d serial=UMOCK%04d", 1 + i / 7, 1 + i % 7, i);
	for (int i = 0; i < PHONES; i++)
		talk(s, i);
	for (int i = 0; i < PHONES; i++)
		send_packets(&s->phones[i], ADB_WRTE, 2, ADB_USB_PAYLOAD);
	for (int i = 0; i < PHONES; i++)
		until(s, echoed, &s->phones[i], 2);
	/* A hub dies. */
	for (int i = 7; i < 14; i++)
		umock_tell(s->m, "unplug 1-%d.%d", 1 + i / 7, 1 + i % 7);
	until(s, gone, s, 7);
	for (int i = 0; i < PHONES; i++) {
		if (!s->phones[i].d)
			continue;
		send_packets(&s->phones[i], ADB_WRTE, 1, 512);
		until(s, echoed, &s->phones[i], 3);
	}
}

static void stopped_in_the_middle_of_everything(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 8; i++)
		umock_tell(s->m, "plug 1-%d", 1 + i);
	start(s, ADB_USB_HOTPLUG, 0);
	until(s, appeared, s, 4);
	talk(s, 0);
	umock_tell(s->m, "deaf 1-1 1");
	send_packets(&s->phones[0], ADB_WRTE, 50, 65536);
	for (int i = 1; i < 4; i++)
		assert_int_equal(adb_usb_open(s->phones[i].d, on_opened, &s->phones[i]), 0);
}

static void stopped_before_it_began(void **state)
{
	struct story *s = *state;

	start(s, ADB_USB_AUTO, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_phone_is_found_and_talked_to),
		STORY(an_idle_phone_costs_nothing),
		STORY(phones_come_and_go),
		STORY(phones_come_and_go_without_udev),
		STORY(serials_may_be_empty_or_doubled),
		STORY(what_is_no_phone_is_passed_over),
		STORY(held_by_another_program),
		STORY(held_by_an_adb_server),
		STORY(no_permission),
		STORY(udev_is_late),
		STORY(handed_over_and_taken_back),
		STORY(opened_again_at_once),
		STORY(unplugged_in_mid_transfer),
		STORY(unplugged_without_udev),
		STORY(unplugged_while_it_is_opened),
		STORY(leftovers_of_a_dead_owner),
		STORY(a_dead_owner_left_half_a_packet),
		STORY(a_stall_breaks_the_link),
		STORY(a_deaf_phone_is_timed_out),
		STORY(short_of_memory),
		STORY(cleared_and_in_step_again),
		STORY(reset_and_arrived_anew),
		STORY(forty_phones),
		STORY(stopped_in_the_middle_of_everything),
		STORY(stopped_before_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
