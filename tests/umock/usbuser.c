/* SPDX-License-Identifier: Apache-2.0 */
/* See usbuser.h. */
#include "usbuser.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct port *p = arg;

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
	struct port *p = arg;

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
	struct port *p = arg;

	p->broken++;
	p->code = code;
	snprintf(p->text, sizeof(p->text), "%s", text);
}

static const struct adb_link_events link_events = {on_packet, on_next, on_broken};

void usb_resynced(void *arg, int code)
{
	struct port *p = arg;

	p->resynced++;
	p->resync_code = code;
}

void usb_opened(void *arg, struct adb_link *l, int code, const char *text)
{
	struct port *p = arg;

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

void usb_send(struct port *p, uint32_t command, int n, size_t bytes)
{
	p->out_command = command;
	p->n_out = n;
	p->out_n = bytes;
	p->l->ops->kick(p->l);
}

void usb_close(struct port *p)
{
	if (p->l)
		p->l->ops->close(p->l);
	p->l = NULL;
}

static void on_appeared(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;
	struct port *p = &s->phones[s->n];

	assert_true(s->n < PHONES + 8);
	s->n++;
	*p = (struct port){.s = s, .d = d};
	adb_usb_set_user(d, p);
	if (s->open_at_once)
		assert_int_equal(adb_usb_open(d, usb_opened, p), 0);
}

static void on_changed(void *arg, struct adb_usb_dev *d)
{
	struct port *p = adb_usb_user(d);

	(void)arg;
	assert_int_equal(adb_usb_info(d)->need, ADB_USB_READY);
	p->changed++;
}

static void on_left(void *arg, struct adb_usb_dev *d)
{
	struct story *s = arg;
	struct port *p = adb_usb_user(d);

	assert_ptr_equal(p->d, d);
	s->left++;
	usb_close(p);
	p->d = NULL;
}

static const struct adb_usb_events usb_events = {on_appeared, on_changed, on_left};

/* ---- waiting ---- */

static int wanted;

bool usb_has_appeared(void *arg)
{
	return ((struct story *)arg)->n >= wanted;
}

bool usb_has_left(void *arg)
{
	return ((struct story *)arg)->left >= wanted;
}

bool usb_has_answered(void *arg)
{
	return ((struct port *)arg)->opened >= wanted;
}

bool usb_is_connected(void *arg)
{
	return ((struct port *)arg)->cnxns >= wanted;
}

bool usb_has_echoed(void *arg)
{
	return ((struct port *)arg)->wrtes >= wanted;
}

bool usb_has_changed(void *arg)
{
	return ((struct port *)arg)->changed >= wanted;
}

bool usb_is_broken(void *arg)
{
	return ((struct port *)arg)->broken >= wanted;
}

bool usb_is_resynced(void *arg)
{
	return ((struct port *)arg)->resynced >= wanted;
}

bool usb_is_detached(void *arg)
{
	return ((struct port *)arg)->detached >= wanted;
}

static bool is_stopped(void *arg)
{
	return ((struct story *)arg)->stopped;
}

void usb_until(struct story *s, bool (*cond)(void *arg), void *arg, int n)
{
	wanted = n;
	support_until(s->sh, cond, arg);
}

/* No work on the pool, and nothing ready in the loop. What the bus was asked for, it has done. */
bool usb_nothing_left(void *arg)
{
	struct support_host *sh = ((struct story *)arg)->sh;

	return !sh->n_threads && !sh->queued && support_step(sh) == 0 && !sh->n_threads;
}

/* ---- the story's frame ---- */

void usb_start(struct story *s, enum adb_usb_mode mode, uint16_t port)
{
	const struct adb_usb_config cfg = {.mode = mode, .server_port = port};
	struct err e = {0};

	if (adb_usb_new(support_host(s->sh), &cfg, &usb_events, s, &s->u, &e))
		fail_msg("%s", e.text);
}

int usb_set_up(void **state)
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

int usb_tear_down(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < s->n; i++)
		usb_close(&s->phones[i]);
	support_advance(s->sh, ADB_USB_LEAVE_MS);
	adb_usb_stop(s->u, on_stopped, s);
	usb_until(s, is_stopped, s, 0);
	support_host_free(s->sh);
	umock_stop(s->m);
	mem_free(s);
	return 0;
}

/* The nth phone, open and in step. */
struct port *usb_talk(struct story *s, int n)
{
	struct port *p = &s->phones[n];

	usb_until(s, usb_has_appeared, s, n + 1);
	if (!p->opened && !s->open_at_once)
		assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	usb_until(s, usb_has_answered, p, 1);
	if (p->open_code)
		fail_msg("%s", p->open_text);
	usb_send(p, ADB_CNXN, 1, 20);
	usb_until(s, usb_is_connected, p, 1);
	return p;
}

struct port *usb_plug_and_talk(struct story *s)
{
	umock_tell(s->m, "plug 1-1");
	usb_start(s, ADB_USB_HOTPLUG, 0);
	return usb_talk(s, 0);
}

void usb_open_fails(struct story *s, struct port *p, int code, const char *word)
{
	int n = p->opened;

	assert_int_equal(adb_usb_open(p->d, usb_opened, p), 0);
	assert_int_equal(p->opened, n);
	usb_until(s, usb_has_answered, p, n + 1);
	assert_int_equal(p->open_code, code);
	if (!strstr(p->open_text, word))
		fail_msg("\"%s\" does not speak of \"%s\"", p->open_text, word);
	assert_string_equal(adb_usb_info(p->d)->text, p->open_text);
}
