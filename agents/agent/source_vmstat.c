/* SPDX-License-Identifier: Apache-2.0 */
/* Memory pressure: cumulative events of the whole device, from /proc/vmstat. */
#include "agent/source.h"

#include "agent/keyed.h"

static const struct keyed_spec keys[] = {
	{"pgmajfault", "vm.major_faults", "", 1},
	{"pswpin", "vm.swap_in", "pages", 1},
	{"pswpout", "vm.swap_out", "pages", 1},
	{"oom_kill", "vm.oom_kills", "", 1},
};

static void *probe(struct sampler *s)
{
	return keyed_probe(s, "/proc/vmstat", keys, sizeof(keys) / sizeof(keys[0]));
}

static void sample(void *self, struct sampler *s)
{
	keyed_sample(self, s);
}

static void close_source(void *self)
{
	keyed_close(self);
}

const struct source source_vmstat = {
	.name = "vmstat",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
