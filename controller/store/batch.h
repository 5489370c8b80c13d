/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of chunks on its way to the sample writer, with room for what became of each. */
#ifndef FRAMEFARM_STORE_BATCH_H
#define FRAMEFARM_STORE_BATCH_H

#include "store/store.h"
#include "store/writer.h"

struct stream;

struct batch_item {
	struct store_chunk chunk; /* payload points into the batch's */
	struct stream *stream;    /* while the batch is applied */
	uint64_t mark;
	int rc;
};

struct store_batch {
	struct work work; /* first */
	struct batch_item *items;
	size_t n, cap;
	uint8_t *payload; /* of all chunks, one behind the other */
	size_t payload_len, payload_cap;
};

#endif
