/* SPDX-License-Identifier: Apache-2.0 */
/* Has a bug that is found within a second: what run.py says of a target that crashes is tested with it. */
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t word[] = {'b', 'u', 'g'};

	for (size_t i = 0; i < sizeof(word); i++)
		if (i >= size || data[i] != word[i])
			return 0;
	abort();
}
