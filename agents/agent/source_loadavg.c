/* SPDX-License-Identifier: Apache-2.0 */
/* Load of the last minute, and tasks that want to run right now, from /proc/loadavg. */
#include "agent/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/text.h"

#define PATH  "/proc/loadavg"
#define SCALE 100 /* it is printed with two decimals */

struct loadavg {
	int fd;
	int load, runnable;
};

/* "0.06 0.01 0.00 3/91 6084" */
static int parse(const char *text, int64_t *ret_load, int64_t *ret_runnable)
{
	const char *slash = strchr(text, '/'), *end, *from;
	int64_t whole, part;

	if (!slash || text_int_end(text, &whole, &end) || *end != '.')
		return -EINVAL;
	from = end + 1;
	if (text_int_end(from, &part, &end) || end - from != 2)
		return -EINVAL;
	for (from = slash; from > text && from[-1] != ' '; from--)
		;
	if (text_int_end(from, ret_runnable, &end) || end != slash)
		return -EINVAL;
	*ret_load = whole * SCALE + part;
	return 0;
}

static int read_now(int fd, int64_t *ret_load, int64_t *ret_runnable)
{
	char text[128];
	ssize_t n = fd < 0 ? fd : root_pread(fd, text, sizeof(text));

	return n < 0 ? (int)n : parse(text, ret_load, ret_runnable);
}

static void *probe(struct sampler *s)
{
	struct loadavg *l = calloc(1, sizeof(*l));
	int64_t load, runnable;
	int rc;

	if (!l)
		return NULL;
	l->fd = root_open(sampler_root(s), PATH);
	rc = read_now(l->fd, &load, &runnable);
	l->load = sampler_add(s, "load.1m", "", SCALE, PATH, -rc);
	l->runnable = sampler_add(s, "load.runnable", "", 1, PATH, -rc);
	return l;
}

static void sample(void *self, struct sampler *s)
{
	struct loadavg *l = self;
	int64_t load, runnable;

	if (read_now(l->fd, &load, &runnable))
		return;
	sampler_put(s, l->load, load);
	sampler_put(s, l->runnable, runnable);
}

static void close_source(void *self)
{
	struct loadavg *l = self;

	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

const struct source source_loadavg = {
	.name = "loadavg",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
