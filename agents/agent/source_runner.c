/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that runs the model: memory, processor time, page faults, context switches, from
 * /proc/PID/stat and status (proc_pid_stat(5)). The descriptors are opened when the process
 * changes; between processes there is a gap. Counts begin anew with each process.
 */
#include "agent/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/keyed.h"
#include "agent/root.h"
#include "agent/text.h"

enum value { RSS, CPU_TIME, MAJOR_FAULTS, THREADS, VOLUNTARY, INVOLUNTARY, VALUES };

#define STAT_FIRST   2 /* index of the blank behind the name: the field after it is 3 */
#define STAT_MAJFLT  12
#define STAT_UTIME   14
#define STAT_STIME   15
#define STAT_THREADS 20
#define STAT_RSS     24

struct runner_source {
	pid_t pid;
	int stat_fd, status_fd;
	int64_t page_bytes;
	int counters[VALUES];
};

/* Field number `field` as proc_pid_stat(5) counts. The name in field 2 may hold anything, so the
 * fields are counted from its last parenthesis on. */
static int stat_field(const char *text, int field, int64_t *ret_v)
{
	const char *p = strrchr(text, ')');

	for (int i = STAT_FIRST; p && i < field; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? text_int(p, ret_v) : -EINVAL;
}

static void *probe(struct sampler *s)
{
	char self[1024];
	ssize_t rc = root_read(sampler_root(s), "/proc/self/stat", self, sizeof(self));
	int64_t ticks = sysconf(_SC_CLK_TCK);
	const struct {
		const char *name, *unit;
		int64_t scale;
	} specs[VALUES] = {
		[RSS] = {"runner.rss", "B", 1},
		[CPU_TIME] = {"runner.cpu_time", "s", ticks > 0 ? ticks : 100},
		[MAJOR_FAULTS] = {"runner.major_faults", "", 1},
		[THREADS] = {"runner.threads", "", 1},
		[VOLUNTARY] = {"runner.switches_voluntary", "", 1},
		[INVOLUNTARY] = {"runner.switches_involuntary", "", 1},
	};
	struct runner_source *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->stat_fd = r->status_fd = -1;
	r->page_bytes = sysconf(_SC_PAGESIZE);
	for (int i = 0; i < VALUES; i++)
		r->counters[i] = sampler_add(s, specs[i].name, specs[i].unit, specs[i].scale,
			i < VOLUNTARY ? "/proc/PID/stat" : "/proc/PID/status", rc < 0 ? -rc : 0);
	return r;
}

static void close_files(struct runner_source *r)
{
	if (r->stat_fd >= 0)
		close(r->stat_fd);
	if (r->status_fd >= 0)
		close(r->status_fd);
	r->stat_fd = r->status_fd = -1;
}

static void follow(struct runner_source *r, struct sampler *s)
{
	char path[48];

	close_files(r);
	r->pid = sampler_runner(s);
	if (!r->pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)r->pid);
	r->stat_fd = root_open(sampler_root(s), path);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)r->pid);
	r->status_fd = root_open(sampler_root(s), path);
}

static void sample_stat(struct runner_source *r, struct sampler *s)
{
	char text[1024];
	int64_t v, w;

	if (r->stat_fd < 0 || root_pread(r->stat_fd, text, sizeof(text)) < 0)
		return;
	if (!stat_field(text, STAT_RSS, &v))
		sampler_put(s, r->counters[RSS], v * r->page_bytes);
	if (!stat_field(text, STAT_UTIME, &v) && !stat_field(text, STAT_STIME, &w))
		sampler_put(s, r->counters[CPU_TIME], v + w);
	if (!stat_field(text, STAT_MAJFLT, &v))
		sampler_put(s, r->counters[MAJOR_FAULTS], v);
	if (!stat_field(text, STAT_THREADS, &v))
		sampler_put(s, r->counters[THREADS], v);
}

static void sample_status(struct runner_source *r, struct sampler *s)
{
	static const struct keyed_spec keys[] = {
		{.key = "voluntary_ctxt_switches"},
		{.key = "nonvoluntary_ctxt_switches"},
	};
	char text[4096];
	int64_t v[2];
	unsigned found;

	if (r->status_fd < 0 || root_pread(r->status_fd, text, sizeof(text)) < 0)
		return;
	found = keyed_parse(text, keys, 2, v);
	for (int i = 0; i < 2; i++)
		if (found >> i & 1)
			sampler_put(s, r->counters[VOLUNTARY + i], v[i]);
}

static void sample(void *self, struct sampler *s)
{
	struct runner_source *r = self;

	if (r->pid != sampler_runner(s))
		follow(r, s);
	sample_stat(r, s);
	sample_status(r, s);
}

static void close_source(void *self)
{
	close_files(self);
	free(self);
}

const struct source source_runner = {
	.name = "runner",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
