/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes may come as a plan; what is taken must be encoded and taken again, and stay alike. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

/* A plan of version 1 ends before these; encoded again it has an empty text and an empty list more. */
#define APPENDED (2 + 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t once[PROTO_PAYLOAD_MAX], twice[PROTO_PAYLOAD_MAX];
	static struct plan p;
	size_t n;

	if (!plan_decode(data, size, &p)) {
		n = plan_encode(&p, once, sizeof(once));
		plan_fini(&p);
		/* Behind n stand unknown fields. */
		if (size + APPENDED <= sizeof(once) && (!n || n > size + APPENDED))
			abort();
		if (n && (plan_decode(once, n, &p) || plan_encode(&p, twice, sizeof(twice)) != n ||
				 memcmp(once, twice, n)))
			abort();
	}
	plan_fini(&p);
	if (size && (!*phase_name(data[0]) || !*outcome_name(data[0])))
		abort();
	return 0;
}
