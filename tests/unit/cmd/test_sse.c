/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, however the network cuts them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/sse.h"

/* What came out: "name:data|" for each event. */
struct out {
	char text[512];
	int stop_after; /* events; 0: never */
	int n;
};

static bool note(void *arg, const struct sse_event *ev)
{
	struct out *o = arg;
	size_t n = strlen(o->text);

	snprintf(o->text + n, sizeof(o->text) - n, "%s:%.40s|", ev->name, ev->data);
	return ++o->n != o->stop_after;
}

static void gives(const char *bytes, const char *events)
{
	size_t n = strlen(bytes);

	/* Whole, and cut at every place. */
	for (size_t cut = 0; cut <= n; cut++) {
		struct out o = {0};
		struct sse s;

		sse_init(&s);
		assert_true(sse_feed(&s, bytes, cut, note, &o));
		assert_true(sse_feed(&s, bytes + cut, n - cut, note, &o));
		assert_string_equal(o.text, events);
		sse_fini(&s);
	}
}

static void events_come_out(void **state)
{
	(void)state;
	gives("data: a\n\n", "message:a|");
	gives("event: run\ndata: {\"x\": 1}\n\nevent: job\ndata:b\n\n", "run:{\"x\": 1}|job:b|");
	gives("data: a\ndata: b\n\n", "message:a\nb|");
	gives("event: run\r\ndata: a\r\n\r\ndata: b\r\r", "run:a|message:b|");
	gives(": still here\n\n", "");
	gives("event: run\n\n", ""); /* no data, no event */
	gives("data: half", "");     /* never ended */
	gives("nonsense\nretry: 5\ndata: a\n\n", "message:a|");
	gives("data\n\n", "message:|");
}

static void the_last_id_is_kept_over_a_new_connection(void **state)
{
	static const char first[] = "id: 17\ndata: a\n\nid: 18\ndata: ha", second[] = "data: b\n\n";
	struct out o = {0};
	struct sse s;

	(void)state;
	sse_init(&s);
	sse_feed(&s, first, strlen(first), note, &o);
	sse_reset(&s);
	sse_feed(&s, second, strlen(second), note, &o);
	assert_string_equal(o.text, "message:a|message:b|");
	assert_string_equal(s.last_id, "18");
	sse_fini(&s);
}

static void what_is_too_long_is_dropped_and_the_next_is_not(void **state)
{
	char *line = mem_alloc(SSE_LINE_MAX + 2);
	static const char after[] = "\n\ndata: b\n\n";
	struct out o = {0};
	struct sse s;

	(void)state;
	memset(line, 'x', SSE_LINE_MAX + 1);
	memcpy(line, "data: ", 6);
	sse_init(&s);
	assert_true(sse_feed(&s, line, SSE_LINE_MAX + 1, note, &o));
	assert_true(sse_feed(&s, after, strlen(after), note, &o));
	assert_string_equal(o.text, "message:b|");

	/* Many lines that fit, and together do not. */
	o = (struct out){0};
	for (int i = 0; i < 2 + SSE_DATA_MAX / 1000; i++) {
		assert_true(sse_feed(&s, line, 1000, note, &o));
		assert_true(sse_feed(&s, "\n", 1, note, &o));
	}
	assert_true(sse_feed(&s, after + 1, strlen(after + 1), note, &o));
	assert_string_equal(o.text, "message:b|");
	sse_fini(&s);
	mem_free(line);
}

static void the_reader_may_have_enough(void **state)
{
	static const char bytes[] = "data: a\n\ndata: b\n\ndata: c\n\n";
	struct out o = {.stop_after = 2};
	struct sse s;

	(void)state;
	sse_init(&s);
	assert_false(sse_feed(&s, bytes, strlen(bytes), note, &o));
	assert_string_equal(o.text, "message:a|message:b|");
	sse_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_out),
		cmocka_unit_test(the_last_id_is_kept_over_a_new_connection),
		cmocka_unit_test(what_is_too_long_is_dropped_and_the_next_is_not),
		cmocka_unit_test(the_reader_may_have_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
