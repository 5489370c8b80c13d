/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the whole device, from /proc/meminfo (kB there, which means KiB; proc_meminfo(5)). */
#include "agent/source.h"

#include "agent/keyed.h"

#define BYTES_PER_KB 1024

static const struct keyed_spec keys[] = {
	{"MemAvailable", "mem.available", "B", BYTES_PER_KB},
	{"MemFree", "mem.free", "B", BYTES_PER_KB},
	{"SwapFree", "mem.swap_free", "B", BYTES_PER_KB},
	{"CmaFree", "mem.cma_free", "B", BYTES_PER_KB},
};

static void *probe(struct sampler *s)
{
	return keyed_probe(s, "/proc/meminfo", keys, sizeof(keys) / sizeof(keys[0]));
}

static void sample(void *self, struct sampler *s)
{
	keyed_sample(self, s);
}

static void close_source(void *self)
{
	keyed_close(self);
}

const struct source source_meminfo = {
	.name = "meminfo",
	.probe = probe,
	.sample = sample,
	.close = close_source,
};
