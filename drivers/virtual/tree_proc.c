/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted over files of the phone's /proc; see tree.h. */
#include "drivers/virtual/tree.h"

#include <inttypes.h>

#include "base/buf.h"
#include "drivers/virtual/profile.h"

#define TEXT_MAX (64 * 1024)

static void put(const struct tree_out *o, const char *path, struct buf *b)
{
	o->put(o->arg, path, buf_text(b), b->len, true);
	buf_fini(b);
}

/* As arch/arm64/kernel/cpuinfo.c prints it. */
static void put_cpuinfo(const struct tree_out *o, const struct profile *p)
{
	struct buf b;
	int cpu = 0;

	buf_init(&b, TEXT_MAX);
	for (int k = 0; k < p->n_cores; k++) {
		const struct profile_core *c = &p->cores[k];

		for (int64_t i = 0; i < c->count; i++)
			buf_printf(&b,
				"processor\t: %d\n"
				"BogoMIPS\t: 38.40\n"
				"Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics "
				"fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\n"
				"CPU implementer\t: 0x%02" PRIx64 "\n"
				"CPU architecture: 8\n"
				"CPU variant\t: 0x%" PRIx64 "\n"
				"CPU part\t: 0x%03" PRIx64 "\n"
				"CPU revision\t: %" PRId64 "\n\n",
				cpu++, c->implementer, c->variant, c->part, c->revision);
	}
	put(o, "proc/cpuinfo", &b);
}

/* A phone at rest keeps about half its memory for caches. */
static void put_meminfo(const struct tree_out *o, const struct profile *p)
{
	int64_t total = p->ram_mb * 1024;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b,
		"MemTotal:       %8" PRId64 " kB\nMemFree:        %8" PRId64 " kB\n"
		"MemAvailable:   %8" PRId64 " kB\nBuffers:        %8d kB\n"
		"Cached:         %8" PRId64 " kB\nSwapCached:            0 kB\n"
		"Active:         %8" PRId64 " kB\nInactive:       %8" PRId64 " kB\n"
		"SwapTotal:      %8" PRId64 " kB\nSwapFree:       %8" PRId64 " kB\n"
		"Dirty:                 0 kB\nCmaTotal:         131072 kB\nCmaFree:           "
		"65536 kB\n",
		total, total / 10, total * 55 / 100, 4096, total * 45 / 100, total * 30 / 100,
		total * 28 / 100, total / 2, total / 2);
	put(o, "proc/meminfo", &b);
}

void tree_proc(const struct tree_out *o, const struct tree_phone *t)
{
	/* A program that runs on the host's own processor must see that one. */
	if (t->arm64)
		put_cpuinfo(o, t->profile);
	put_meminfo(o, t->profile);
	tree_put(o, "proc/version", true, "Linux version %s (build@framefarm) #1 SMP PREEMPT\n",
		t->profile->kernel);
}
