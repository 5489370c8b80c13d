/* SPDX-License-Identifier: Apache-2.0 */
/* sink:BYTES and source:BYTES, with which adbd measures a transport without any storage. */
#include "drivers/virtual/service.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/mux.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/session.h"

struct bench {
	struct phone *phone;
	struct adb_stream *stream;
	uint32_t max;
	int64_t left;
	struct adb_buf *kept;
};

static void bench_closed(void *arg, int code, const char *text)
{
	struct bench *b = arg;

	(void)code;
	(void)text;
	adb_buf_unref(b->kept);
	phone_service(b->phone, -1);
	mem_free(b);
}

static bool open_bench(struct session *s, struct adb_stream *st, const char *rest,
	const struct stream_events *events, struct bench **ret_b)
{
	struct bench *b;
	int64_t bytes;

	if (!str_to_i64(rest + 1, &bytes) || bytes < 0)
		return false;
	b = mem_zalloc(sizeof(*b));
	b->phone = session_phone(s);
	b->stream = st;
	b->max = session_max_payload(s);
	b->left = bytes;
	phone_service(b->phone, 1);
	adb_stream_accept(st, events, b);
	*ret_b = b;
	return true;
}

/* ---- sink ---- */

static void sink_data(void *arg, const uint8_t *data, size_t n)
{
	struct bench *b = arg;

	(void)data;
	if (b->left <= 0)
		return;
	b->left -= (int64_t)n;
	if (b->left <= 0)
		adb_stream_finish(b->stream);
}

static void sink_drained(void *arg)
{
	(void)arg;
}

static const struct stream_events sink_events = {
	.data = sink_data, .drained = sink_drained, .closed = bench_closed};

bool service_sink(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct bench *b;

	return n > 1 && open_bench(s, st, rest, &sink_events, &b);
}

/* ---- source ---- */

static struct adb_buf *next_buf(struct bench *b)
{
	uint32_t n = b->left < b->max ? (uint32_t)b->left : b->max;
	struct adb_buf *buf = b->kept;

	b->kept = NULL;
	if (buf)
		return buf;
	buf = adb_buf_new(n);
	memset(buf->data, 0, n);
	buf->len = n;
	return buf;
}

static void source_drained(void *arg)
{
	struct bench *b = arg;

	while (b->left > 0) {
		struct adb_buf *buf = next_buf(b);
		uint32_t n = buf->len;

		if (!adb_stream_send(b->stream, buf)) {
			b->kept = buf;
			return;
		}
		b->left -= n;
		if (b->left <= 0)
			adb_stream_finish(b->stream);
	}
}

static void source_data(void *arg, const uint8_t *data, size_t n)
{
	(void)arg;
	(void)data;
	(void)n;
}

static const struct stream_events source_events = {
	.data = source_data, .drained = source_drained, .closed = bench_closed};

bool service_source(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct bench *b;

	if (n < 2 || !open_bench(s, st, rest, &source_events, &b))
		return false;
	if (b->left)
		source_drained(b);
	else
		adb_stream_finish(st);
	return true;
}
