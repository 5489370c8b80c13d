/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the profile that ONNX Runtime writes: a Chrome trace array, one event a line, of which only
 * two matter: a kernel that ran (cat "Node", name "…_kernel_time", args.provider, dur in µs) and
 * the end of a run (cat "Session", name "model_run"). The runtime does not escape names, so lines
 * are searched, not parsed as JSON. Events are in the order in which they ended: a run's kernels
 * stand before its model_run. The first run of a session is left out of the sums, for it pays for
 * what later ones do not. A truncated file counts as far as it goes.
 *
 * Kernels of a loop's or branch's body are counted once and timed as often as they ran; their time
 * is also in the node around them. Pure but for the allocation of the set of seen nodes.
 */
#ifndef FRAMEFARM_RUNNER_PROFILE_H
#define FRAMEFARM_RUNNER_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#define PROFILE_PROVIDERS 16
#define PROFILE_NAME      48
#define PROFILE_NODES_MAX 65536 /* of one run, told apart; a power of two */

struct profile_provider {
	char name[PROFILE_NAME]; /* "cpu": see profile_provider_short() */
	uint32_t kernels;        /* distinct ones of the last complete run */
	int64_t time_us;         /* of all runs but the first */
};

struct profile {
	uint32_t runs; /* complete ones */
	uint32_t n_providers;
	struct profile_provider providers[PROFILE_PROVIDERS];
	struct profile_provider open[PROFILE_PROVIDERS]; /* of the run whose end has not come */
	uint32_t n_open, n_seen;
	uint64_t *seen; /* hashes of the open run's nodes */
};

int profile_init(struct profile *p); /* 0, or -1 when memory is out */
void profile_fini(struct profile *p);
void profile_line(struct profile *p, const char *line, size_t len);
/* Reads a whole file line by line, lines longer than a bound in part. Returns 0 or -1/errno. */
int profile_read(struct profile *p, int fd);

uint32_t profile_kernels(const struct profile *p);
int64_t profile_time_us(const struct profile *p);

/* "XnnpackExecutionProvider" → "xnnpack"; what a job calls a provider, too, comes out lower-case. */
void profile_provider_short(char dst[PROFILE_NAME], const char *name, size_t len);

#endif
