/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU clocks: per frequency domain the present clock, and the limits that something (a person, the
 * governor, thermal mitigation) has set for it; how many CPUs are online. The kernel prints kHz
 * (Documentation/admin-guide/pm/cpufreq.rst). Older trees have the files per CPU.
 */
#include "agent/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/root.h"
#include "agent/text.h"
#include "agent/value.h"

#define CPU_DIR      "/sys/devices/system/cpu"
#define POLICY_DIR   CPU_DIR "/cpufreq"
#define HZ_PER_KHZ   1000
#define ONLINE_TEXT  256
#define POLICIES_MAX 16 /* a server may have one for each of its hundreds of CPUs */

struct cpufreq {
	struct value_set clocks;
	int online_fd, online;
};

static const struct {
	const char *file, *instead; /* read when file is not there */
	const char *name;
} files[] = {
	{"scaling_cur_freq", "cpuinfo_cur_freq", "freq"},
	{"scaling_max_freq", NULL, "freq_cap"},
	{"scaling_min_freq", NULL, "freq_floor"},
};

static int add_file(struct cpufreq *c, struct sampler *s, const char *dir, const char *file,
	const char *name, bool report_missing)
{
	char path[VALUE_PATH];
	struct value_spec spec = {.path = path,
		.name = name,
		.unit = "Hz",
		.mul = HZ_PER_KHZ,
		.scale = 1,
		.report_missing = report_missing};

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return value_set_add(&c->clocks, s, &spec);
}

static void add_policy(struct cpufreq *c, struct sampler *s, const char *dir, int64_t number)
{
	char name[48];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(name, sizeof(name), "cpu.policy%lld.%s", (long long)number, files[i].name);
		if (add_file(c, s, dir, files[i].file, name, !files[i].instead) == -ENOENT &&
			files[i].instead)
			add_file(c, s, dir, files[i].instead, name, true);
	}
}

static bool is_there(struct sampler *s, const char *dir)
{
	int fd = root_open(sampler_root(s), dir);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Directories called prefix + number, each with tail behind; returns how many were added. */
static int add_policies(
	struct cpufreq *c, struct sampler *s, const char *dir, const char *prefix, const char *tail)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(sampler_root(s), dir, prefix, &names), added = 0;
	char path[VALUE_PATH - 32];
	int64_t number;

	for (int i = 0; i < n && added < POLICIES_MAX; i++) {
		if (text_int(names[i] + strlen(prefix), &number))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, names[i], tail);
		if (!is_there(s, path))
			continue;
		add_policy(c, s, path, number);
		added++;
	}
	free(names);
	return added;
}

static int read_online(int fd, int64_t *ret_v)
{
	char text[ONLINE_TEXT];
	ssize_t n = root_pread(fd, text, sizeof(text));
	int count = n < 0 ? (int)n : text_cpu_count(text);

	if (count < 0)
		return count;
	*ret_v = count;
	return 0;
}

static void *probe(struct sampler *s)
{
	struct cpufreq *c = calloc(1, sizeof(*c));
	int64_t now;
	int rc;

	if (!c)
		return NULL;
	if (!add_policies(c, s, POLICY_DIR, "policy", "") &&
		!add_policies(c, s, CPU_DIR, "cpu", "/cpufreq"))
		sampler_add(s, "cpu.policy0.freq", "Hz", 1, POLICY_DIR, ENOENT);
	c->online_fd = root_open(sampler_root(s), CPU_DIR "/online");
	rc = c->online_fd < 0 ? c->online_fd : read_online(c->online_fd, &now);
	c->online = sampler_add(s, "cpu.online", "", 1, CPU_DIR "/online", -rc);
	return c;
}

static void sample(void *self, struct sampler *s)
{
	struct cpufreq *c = self;
	int64_t now;

	value_set_sample(&c->clocks, s);
	if (c->online_fd >= 0 && !read_online(c->online_fd, &now))
		sampler_put(s, c->online, now);
}

static void close_source(void *self)
{
	struct cpufreq *c = self;

	value_set_fini(&c->clocks);
	if (c->online_fd >= 0)
		close(c->online_fd);
	free(c);
}

const struct source source_cpufreq = {
	.name = "cpufreq",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
