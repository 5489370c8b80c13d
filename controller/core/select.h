/* SPDX-License-Identifier: Apache-2.0 */
/* One distinct selector with what waits for it; shared by select.c and queue.c alone. */
#ifndef FRAMEFARM_CORE_SELECT_H
#define FRAMEFARM_CORE_SELECT_H

#include "core/internal.h"

TAILQ_HEAD(want_list, want);

/* What waits with one priority, in order of age. */
struct bucket {
	int64_t priority;
	struct want_list wants;
	TAILQ_ENTRY(bucket) link;
};

TAILQ_HEAD(bucket_list, bucket);

struct selq {
	struct jobspec_selector sel; /* terms sorted */
	char *key;
	int refs;
	int n_match; /* set bits */
	uint8_t match[LIMIT_DEVICES / 8];
	int n_wants;
	struct bucket_list buckets; /* larger priority first */
	TAILQ_ENTRY(selq) link;
};

bool device_selectable(const struct device *d);

#endif
