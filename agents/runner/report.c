/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the agent; see report.h. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "msg.h"
#include "proto.h"

#define PAYLOAD_MAX 4096 /* a fact's text is the largest of what is sent */

static void send_all(struct report *r, const uint8_t *p, size_t n)
{
	while (n && r->fd >= 0) {
		ssize_t sent = send(r->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			r->fd = -1;
			return;
		}
		p += sent;
		n -= (size_t)sent;
	}
}

static void send_frame(struct report *r, uint16_t type, const uint8_t *payload, size_t n)
{
	uint8_t frame[PROTO_HEADER + PAYLOAD_MAX];

	proto_header_put(frame, type, payload, (uint32_t)n);
	memcpy(frame + PROTO_HEADER, payload, n);
	send_all(r, frame, PROTO_HEADER + n);
}

int64_t report_alive(struct report *r)
{
	int64_t now_ns = timesrc_mono_ns(r->ts);

	atomic_store_explicit(r->alive_ns, now_ns, memory_order_relaxed);
	return now_ns;
}

void report_phase(struct report *r, enum phase phase, uint32_t block)
{
	uint8_t mem[32];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, (uint16_t)phase);
	proto_put_i64(&w, timesrc_mono_ns(r->ts));
	proto_put_u32(&w, block);
	send_frame(r, PROTO_PHASE, mem, w.len);
}

static void send_fact(struct report *r, struct fact *fact, const char *key, va_list ap)
{
	uint8_t mem[PAYLOAD_MAX];
	struct proto_w w;

	fact->mono_ns = timesrc_mono_ns(r->ts);
	vsnprintf(fact->key, sizeof(fact->key), key, ap);
	proto_w_init(&w, mem, sizeof(mem));
	fact_put(&w, fact);
	if (!w.full)
		send_frame(r, PROTO_FACT, mem, w.len);
}

void report_int(struct report *r, int64_t v, const char *key, ...)
{
	struct fact fact = {.kind = FACT_INT, .i = v};
	va_list ap;

	va_start(ap, key);
	send_fact(r, &fact, key, ap);
	va_end(ap);
}

void report_num(struct report *r, double v, const char *key, ...)
{
	struct fact fact = {.kind = FACT_NUM, .f = v};
	va_list ap;

	va_start(ap, key);
	send_fact(r, &fact, key, ap);
	va_end(ap);
}

void report_text(struct report *r, const char *v, const char *key, ...)
{
	struct fact fact = {.kind = FACT_TEXT};
	va_list ap;

	text_clean(fact.text, sizeof(fact.text), v);
	va_start(ap, key);
	send_fact(r, &fact, key, ap);
	va_end(ap);
}

void report_done(struct report *r, int outcome, const char *cause)
{
	uint8_t mem[PAYLOAD_MAX];
	struct proto_w w;

	proto_w_init(&w, mem, sizeof(mem));
	proto_put_u16(&w, (uint16_t)outcome);
	proto_put_text(&w, cause);
	send_frame(r, PROTO_DONE, mem, w.len);
}
