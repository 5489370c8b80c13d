/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy the CPUs are, in per mille of the time between two sweeps, all together and one by one,
 * from /proc/stat (proc_stat(5)). Time in I/O wait is idle. The first sweep gives nothing.
 */
#include "agent/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/text.h"

#define PATH     "/proc/stat"
#define CPUS_MAX 32
#define ALL      CPUS_MAX /* slot of the line "cpu" */
#define FIELDS   8        /* user nice system idle iowait irq softirq steal */
#define TEXT     8192     /* the head of the file, where the CPUs are */

struct cpu {
	int counter;
	bool known;
	int64_t busy, total;
};

struct stat_source {
	int fd;
	struct cpu cpus[CPUS_MAX + 1];
};

/* Reads one line; returns its slot, or -1 for a line of no CPU that is looked at. */
static int parse_line(const char *line, int64_t *ret_busy, int64_t *ret_total)
{
	int64_t v[FIELDS], total = 0, slot = ALL;

	if (strncmp(line, "cpu", 3))
		return -1;
	line += 3;
	if (*line != ' ' && (text_int_end(line, &slot, &line) || slot < 0 || slot >= CPUS_MAX))
		return -1;
	for (int i = 0; i < FIELDS; i++) {
		if (text_int_end(line, &v[i], &line) || v[i] < 0)
			return -1;
		total += v[i];
	}
	*ret_total = total;
	*ret_busy = total - v[3] - v[4];
	return slot;
}

static void *probe(struct sampler *s)
{
	struct stat_source *st = calloc(1, sizeof(*st));
	char text[TEXT], name[32];
	int64_t busy, total;
	ssize_t n;

	if (!st)
		return NULL;
	for (int i = 0; i <= ALL; i++)
		st->cpus[i].counter = -1;
	st->fd = root_open(sampler_root(s), PATH);
	n = st->fd < 0 ? st->fd : root_pread(st->fd, text, sizeof(text));
	st->cpus[ALL].counter = sampler_add(s, "cpu.busy", "%", 10, PATH, n < 0 ? -n : 0);
	for (const char *line = n < 0 ? NULL : text; line; line = text_next_line(line)) {
		int slot = parse_line(line, &busy, &total);

		if (slot < 0 || slot == ALL)
			continue;
		snprintf(name, sizeof(name), "cpu.%d.busy", slot);
		st->cpus[slot].counter = sampler_add(s, name, "%", 10, PATH, 0);
	}
	return st;
}

static void sample(void *self, struct sampler *s)
{
	struct stat_source *st = self;
	char text[TEXT];

	if (st->fd < 0 || root_pread(st->fd, text, sizeof(text)) < 0)
		return;
	for (const char *line = text; line && *line == 'c'; line = text_next_line(line)) {
		int64_t busy, total;
		int slot = parse_line(line, &busy, &total);
		struct cpu *c = slot < 0 ? NULL : &st->cpus[slot];

		if (!c)
			continue;
		/* The counts of a CPU that was unplugged, and its idle time, may jump back. */
		if (c->known && total > c->total && busy >= c->busy &&
			busy - c->busy <= total - c->total)
			sampler_put(s, c->counter, (busy - c->busy) * 1000 / (total - c->total));
		*c = (struct cpu){c->counter, true, busy, total};
	}
}

static void close_source(void *self)
{
	struct stat_source *st = self;

	if (st->fd >= 0)
		close(st->fd);
	free(st);
}

const struct source source_stat = {
	.name = "stat",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
