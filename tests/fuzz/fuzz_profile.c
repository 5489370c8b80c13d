/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's profile holds the model's names unescaped, so its lines are hostile: whatever they
 * are, counts stay within their bounds. */
#include <assert.h>
#include <string.h>

#include "runner/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *eol;
	struct profile profile;
	uint32_t lines = 0;

	if (profile_init(&profile))
		return 0;
	for (; p < end; p = eol + 1, lines++) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		profile_line(&profile, p, (size_t)(eol - p));
	}
	assert(profile.n_providers <= PROFILE_PROVIDERS && profile.n_open <= PROFILE_PROVIDERS);
	assert(profile_kernels(&profile) <= lines && profile.runs <= lines);
	for (uint32_t i = 0; i < profile.n_providers; i++)
		assert(strlen(profile.providers[i].name) < PROFILE_NAME);
	profile_fini(&profile);
	return 0;
}
