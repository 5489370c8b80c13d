/* SPDX-License-Identifier: Apache-2.0 */
/* Lines "key value"; see keyed.h. */
#include "agent/keyed.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/source.h"
#include "agent/text.h"

#define TEXT (16 * 1024) /* vmstat has 5 KiB on Linux 6.18 */

/* The kernel gives such files a page at a time and ends a read early only by less than one record,
 * so a read shorter than this was the last: saves the one that would return 0. */
#define LAST_READ 3584

static bool match(const char *line, size_t len, const char *key)
{
	return !strncmp(line, key, len) && !key[len];
}

unsigned keyed_parse(const char *text, const struct keyed_spec *specs, unsigned n, int64_t *ret_v)
{
	unsigned found = 0, all = (1u << n) - 1;

	for (const char *line = text; line && found != all; line = text_next_line(line)) {
		size_t len = strcspn(line, ": \t\r\n");

		for (unsigned i = 0; i < n; i++) {
			if (found >> i & 1 || !match(line, len, specs[i].key))
				continue;
			if (!text_int(line + len + (line[len] == ':'), &ret_v[i]))
				found |= 1u << i;
			break;
		}
	}
	return found;
}

static int read_whole(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		ssize_t n = pread(fd, buf + len, size - 1 - len, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += n;
		if (n < LAST_READ)
			break;
	}
	buf[len] = '\0';
	return 0;
}

struct keyed *keyed_probe(
	struct sampler *s, const char *path, const struct keyed_spec *specs, unsigned n)
{
	struct keyed *k = calloc(1, sizeof(*k));
	int64_t now[KEYED_MAX];
	char text[TEXT];
	unsigned found = 0;
	int rc;

	assert(n <= KEYED_MAX);
	if (!k)
		return NULL;
	*k = (struct keyed){.path = path, .specs = specs, .n = n};
	k->fd = root_open(sampler_root(s), path);
	rc = k->fd < 0 ? k->fd : read_whole(k->fd, text, sizeof(text));
	if (!rc)
		found = keyed_parse(text, specs, n, now);
	for (unsigned i = 0; i < n; i++)
		k->counters[i] = sampler_add(s, specs[i].name, specs[i].unit, 1, path,
			rc               ? -rc
			: found >> i & 1 ? 0
					 : ENODATA);
	return k;
}

void keyed_sample(struct keyed *k, struct sampler *s)
{
	int64_t now[KEYED_MAX];
	char text[TEXT];
	unsigned found;

	if (k->fd < 0 || read_whole(k->fd, text, sizeof(text)))
		return;
	found = keyed_parse(text, k->specs, k->n, now);
	for (unsigned i = 0; i < k->n; i++)
		if (found >> i & 1 && now[i] <= INT64_MAX / k->specs[i].mul)
			sampler_put(s, k->counters[i], now[i] * k->specs[i].mul);
}

void keyed_close(struct keyed *k)
{
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

int keyed_read_one(const struct root *root, const char *path, const char *key, int64_t *ret_v)
{
	const struct keyed_spec spec = {.key = key};
	int fd = root_open(root, path), rc;
	char text[TEXT];

	if (fd < 0)
		return fd;
	rc = read_whole(fd, text, sizeof(text));
	close(fd);
	if (rc)
		return rc;
	return keyed_parse(text, &spec, 1, ret_v) ? 0 : -ENODATA;
}
