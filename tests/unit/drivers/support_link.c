/* SPDX-License-Identifier: Apache-2.0 */
/* The user of a USB link; see support_link.h. */
#include "support_link.h"

#include <stdio.h>
#include <string.h>

void story_close(struct story *s)
{
	if (s->l)
		s->l->ops->close(s->l);
	s->l = NULL;
}

static void on_packet(void *arg, const struct adb_header *h, const uint8_t *payload)
{
	struct story *s = arg;

	assert_non_null(s->l);
	assert_int_equal(s->broken, 0);
	assert_int_equal(h->len > 0, payload != NULL);
	for (uint32_t i = 0; i < h->len; i++)
		if (payload[i] != (uint8_t)i)
			fail_msg("byte %u of the payload is %u", i, payload[i]);
	assert_true(s->n_packets < STORY_SENT_MAX);
	s->commands[s->n_packets++] = h->command;
	s->last = *h;
	if (s->pause_in_packet)
		s->l->ops->pause(s->l, true);
	if (s->close_in_packet)
		story_close(s);
}

static bool on_next(void *arg, struct adb_out *ret_out)
{
	struct story *s = arg;

	assert_non_null(s->l);
	s->asked++;
	if (!s->to_send)
		return false;
	s->to_send--;
	*ret_out = (struct adb_out){.command = ADB_WRTE, .arg0 = 1, .arg1 = 2};
	if (!s->send_n)
		return true;
	ret_out->buf = adb_buf_new(s->send_n);
	ret_out->buf->len = s->send_n;
	for (size_t i = 0; i < s->send_n; i++)
		ret_out->buf->data[i] = i;
	return true;
}

static void on_broken(void *arg, int code, const char *text)
{
	struct story *s = arg;

	assert_non_null(s->l);
	s->broken++;
	s->code = code;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static const struct adb_link_events events = {on_packet, on_next, on_broken};

void story_resynced(void *arg, int code)
{
	struct story *s = arg;

	s->resynced++;
	s->resync_code = code;
}

struct story story_begin(uint16_t mps)
{
	struct story s = {0};

	s.sh = support_host_new(SUPPORT_INLINE);
	s.su = support_usb_new(s.sh, mps);
	s.l = adb_link_usb(support_host(s.sh), &s.su->p);
	assert_true(s.l->usb);
	assert_string_equal(s.l->where, "usb 1-4.2");
	s.l->events = &events;
	return s;
}

void story_in_step(struct story *s)
{
	support_usb_send_packet(s->su, ADB_CNXN, ADB_VERSION_SUM, 40, true);
	support_usb_run(s->su);
	assert_int_equal(s->n_packets, 1);
	s->l->ops->agreed(s->l, ADB_VERSION_SUM, 256 * 1024);
	s->n_packets = 0;
}

void story_end(struct story *s)
{
	story_close(s);
	support_usb_free(s->su);
	support_host_free(s->sh);
}

void story_send(struct story *s, int n, size_t bytes)
{
	s->to_send = n;
	s->send_n = bytes;
	s->l->ops->kick(s->l);
	support_usb_run(s->su);
}

void story_expect_broken(struct story *s, int code, const char *word)
{
	support_usb_run(s->su);
	assert_int_equal(s->broken, 1);
	assert_int_equal(s->code, code);
	if (!strstr(s->text, word))
		fail_msg("\"%s\" does not speak of \"%s\"", s->text, word);
}
