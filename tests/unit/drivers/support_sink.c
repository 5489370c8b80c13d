/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver of a stream; see support_host.h. */
#include "support_host.h"

#include <string.h>

#include "base/mem.h"

static void sink_data(void *arg, const uint8_t *data, size_t n)
{
	struct support_sink *k = arg;

	assert_int_equal(k->closed, 0);
	assert_true(k->n + n <= k->cap);
	memcpy(k->data + k->n, data, n);
	k->n += n;
	if (k->pause_at && k->n >= k->pause_at)
		k->s->ops->pause(k->s, true);
}

static void sink_drained(void *arg)
{
	struct support_sink *k = arg;

	assert_int_equal(k->closed, 0);
	k->drained++;
}

static void sink_closed(void *arg, int code, const char *text)
{
	struct support_sink *k = arg;

	k->closed++;
	k->code = code;
	k->s = NULL;
	strncpy(k->text, text, sizeof(k->text) - 1);
}

void support_sink_init(struct support_sink *k, struct stream *s, size_t cap)
{
	static const struct stream_events events = {sink_data, sink_drained, sink_closed};

	assert_non_null(s);
	*k = (struct support_sink){.s = s, .cap = cap, .data = mem_alloc(cap)};
	s->events = &events;
	s->arg = k;
}

void support_sink_fini(struct support_sink *k)
{
	mem_free(k->data);
	k->data = NULL;
}
