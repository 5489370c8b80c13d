/* SPDX-License-Identifier: Apache-2.0 */
/* Which stream a request means; shared by charts and CSV. */
#ifndef FRAMEFARM_API_SERIES_H
#define FRAMEFARM_API_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "api/attempt.h"
#include "store/store.h"

struct err;
struct req;

struct series_of {
	int64_t run, attempt; /* attempt 0: the one that is shown */
	char stream[64];
};

struct series_found {
	int64_t attempt;
	struct store_stream stream;
	struct origin origin;
};

/* Loop thread. From path and query; false: answered. */
bool series_params(struct req *r, struct series_of *ret_of);
/* Pool thread. ERR_NOTFOUND with a sentence, or the store's error. */
int series_find(struct store_reader *r, const struct series_of *of, struct series_found *ret_f,
	struct err *e);

#endif
