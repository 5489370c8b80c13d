/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's profile; see profile.h. */
#include "profile.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 65536 /* args hold the shape of every input; a kernel with more is not counted */
#define SUFFIX     "_kernel_time"

struct text {
	const char *p;
	size_t len;
};

int profile_init(struct profile *p)
{
	memset(p, 0, sizeof(*p));
	p->seen = calloc(2 * PROFILE_NODES_MAX, sizeof(*p->seen));
	return p->seen ? 0 : -1;
}

void profile_fini(struct profile *p)
{
	free(p->seen);
	p->seen = NULL;
}

static const char *skip_colon(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == ':'))
		p++;
	return p;
}

/* The value behind the first "key" in the text: a string's bytes, or a number's. */
static bool find_value(struct text t, const char *key, struct text *ret_v)
{
	char quoted[32];
	size_t n = snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	const char *end = t.p + t.len, *p = memmem(t.p, t.len, quoted, n), *q;

	if (!p)
		return false;
	p = skip_colon(p + n, end);
	if (p < end && *p == '"') {
		q = memchr(p + 1, '"', end - p - 1);
		*ret_v = (struct text){p + 1, q ? (size_t)(q - p - 1) : 0};
		return q != NULL;
	}
	for (q = p; q < end && (isdigit((unsigned char)*q) || *q == '-'); q++)
		;
	*ret_v = (struct text){p, (size_t)(q - p)};
	return q > p;
}

static bool is(struct text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static bool ends_with(struct text t, const char *s)
{
	size_t n = strlen(s);

	return t.len >= n && !memcmp(t.p + t.len - n, s, n);
}

static int64_t number(struct text t)
{
	int64_t v = 0;

	for (size_t i = 0; i < t.len && isdigit((unsigned char)t.p[i]) && v < INT64_MAX / 20; i++)
		v = v * 10 + (t.p[i] - '0');
	return v;
}

static uint64_t hash(struct text t, uint64_t h) /* FNV-1a */
{
	for (size_t i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.p[i]) * 0x100000001b3;
	return h;
}

/* Whether the open run's set did not hold h yet. Once it is full, every node counts as new. */
static bool first_seen(struct profile *p, uint64_t h)
{
	size_t mask = 2 * PROFILE_NODES_MAX - 1;

	h += !h;
	if (p->n_seen >= PROFILE_NODES_MAX)
		return true;
	for (size_t i = h & mask;; i = (i + 1) & mask) {
		if (p->seen[i] == h)
			return false;
		if (!p->seen[i]) {
			p->seen[i] = h;
			p->n_seen++;
			return true;
		}
	}
}

void profile_provider_short(char dst[PROFILE_NAME], const char *name, size_t len)
{
	size_t tail = strlen("ExecutionProvider"), i;

	if (len > tail && !memcmp(name + len - tail, "ExecutionProvider", tail))
		len -= tail;
	for (i = 0; i < len && i + 1 < PROFILE_NAME; i++)
		dst[i] = isalnum((unsigned char)name[i]) ? (char)tolower((unsigned char)name[i])
		                                         : '_';
	dst[i] = '\0';
}

static struct profile_provider *provider(
	struct profile_provider *list, uint32_t *n, const char *name)
{
	for (uint32_t i = 0; i < *n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	if (*n == PROFILE_PROVIDERS)
		return &list[PROFILE_PROVIDERS - 1];
	memset(&list[*n], 0, sizeof(*list));
	snprintf(list[*n].name, PROFILE_NAME, "%s", name);
	return &list[(*n)++];
}

static void close_run(struct profile *p)
{
	struct profile_provider *to;

	for (uint32_t i = 0; i < p->n_providers; i++)
		p->providers[i].kernels = 0;
	for (uint32_t i = 0; i < p->n_open; i++) {
		to = provider(p->providers, &p->n_providers, p->open[i].name);
		to->kernels += p->open[i].kernels;
		if (p->runs)
			to->time_us += p->open[i].time_us;
	}
	p->runs++;
	p->n_open = p->n_seen = 0;
	memset(p->seen, 0, 2 * PROFILE_NODES_MAX * sizeof(*p->seen));
}

static void add_kernel(struct profile *p, struct text line, struct text name)
{
	const char *args = memmem(line.p, line.len, "\"args\"", 6);
	struct text rest, dur, value = {0}, index = {0};
	struct profile_provider *to;
	char id[PROFILE_NAME];

	if (!args || !find_value(line, "dur", &dur))
		return;
	rest = (struct text){args, line.len - (size_t)(args - line.p)};
	if (!find_value(rest, "provider", &value))
		return;
	find_value(rest, "node_index", &index);
	profile_provider_short(id, value.p, value.len);
	to = provider(p->open, &p->n_open, id);
	to->time_us += number(dur);
	to->kernels += first_seen(p, hash(index, hash(name, 0xcbf29ce484222325)));
}

void profile_line(struct profile *p, const char *line, size_t len)
{
	struct text t = {line, len}, cat, name;

	if (!find_value(t, "cat", &cat) || !find_value(t, "name", &name))
		return;
	if (is(cat, "Session") && is(name, "model_run"))
		close_run(p);
	else if (is(cat, "Node") && ends_with(name, SUFFIX))
		add_kernel(p, t, name);
}

int profile_read(struct profile *p, int fd)
{
	char buf[LINE_BYTES];
	size_t len = 0, at;
	ssize_t n;
	char *end;

	while ((n = read(fd, buf + len, sizeof(buf) - len)) > 0) {
		len += (size_t)n;
		for (at = 0; (end = memchr(buf + at, '\n', len - at)); at = end - buf + 1)
			profile_line(p, buf + at, end - buf - at);
		if (!at && len == sizeof(buf)) { /* a longer line: look at its first part */
			profile_line(p, buf, len);
			len = 0;
		} else {
			memmove(buf, buf + at, len - at);
			len -= at;
		}
	}
	return n < 0 ? -1 : 0;
}

uint32_t profile_kernels(const struct profile *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_providers; i++)
		n += p->providers[i].kernels;
	return n;
}

int64_t profile_time_us(const struct profile *p)
{
	int64_t us = 0;

	for (uint32_t i = 0; i < p->n_providers; i++)
		us += p->providers[i].time_us;
	return us;
}
