/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events; see sse.h. */
#include "cmd/sse.h"

#include <string.h>

#include "base/str.h"

void sse_init(struct sse *s)
{
	memset(s, 0, sizeof(*s));
	buf_init(&s->line, SSE_LINE_MAX);
	buf_init(&s->data, SSE_DATA_MAX);
}

void sse_fini(struct sse *s)
{
	buf_fini(&s->line);
	buf_fini(&s->data);
}

static void forget_event(struct sse *s)
{
	buf_drop(&s->data, s->data.len);
	s->data_lost = false;
	s->name[0] = '\0';
}

void sse_reset(struct sse *s)
{
	forget_event(s);
	buf_drop(&s->line, s->line.len);
	s->line_lost = s->after_cr = false;
}

/* "field: value" or "field"; a line that begins with a colon is a comment. */
static void take_field(struct sse *s, const char *line)
{
	size_t n = strcspn(line, ":");
	const char *value = line[n] ? line + n + 1 : "";

	if (*value == ' ')
		value++;
	if (n == 4 && !memcmp(line, "data", n)) {
		if (buf_puts(&s->data, value) || buf_puts(&s->data, "\n"))
			s->data_lost = true;
	} else if (n == 5 && !memcmp(line, "event", n)) {
		str_copy(s->name, sizeof(s->name), value);
	} else if (n == 2 && !memcmp(line, "id", n)) {
		str_copy_clean(s->last_id, sizeof(s->last_id), value, strlen(value));
	}
}

static bool end_event(struct sse *s, bool (*fn)(void *arg, const struct sse_event *ev), void *arg)
{
	struct sse_event ev = {.name = s->name[0] ? s->name : "message"};
	bool more = true;

	if (s->data.len && !s->data_lost) {
		s->data.len--; /* the newline behind the last line */
		ev.data = buf_text(&s->data);
		ev.len = s->data.len;
		more = fn(arg, &ev);
	}
	forget_event(s);
	return more;
}

static bool end_line(struct sse *s, bool (*fn)(void *arg, const struct sse_event *ev), void *arg)
{
	bool more = true;

	if (s->line_lost)
		s->data_lost = true;
	else if (s->line.len)
		take_field(s, buf_text(&s->line));
	else
		more = end_event(s, fn, arg);
	buf_drop(&s->line, s->line.len);
	s->line_lost = false;
	return more;
}

bool sse_feed(struct sse *s, const char *bytes, size_t n,
	bool (*fn)(void *arg, const struct sse_event *ev), void *arg)
{
	for (size_t i = 0; i < n; i++) {
		bool joined = s->after_cr && bytes[i] == '\n';

		s->after_cr = bytes[i] == '\r';
		if (joined)
			continue;
		if (bytes[i] == '\n' || bytes[i] == '\r') {
			if (!end_line(s, fn, arg))
				return false;
		} else if (buf_put(&s->line, bytes + i, 1)) {
			s->line_lost = true;
		}
	}
	return true;
}
