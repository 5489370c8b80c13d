/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stories, one behind the other; or, with -l, the name of each and its phone's command line. A
 * name as argument runs that story alone.
 */
#include "quirks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORIES_MAX 64

static const struct quirk_stories *const all[] = {
	&quirks_of_packets, &quirks_of_bytes, &quirks_of_life, &quirks_of_people};

int main(int argc, char **argv)
{
	struct CMUnitTest tests[STORIES_MAX];
	const char *only = argc > 1 ? argv[1] : NULL;
	int n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (int k = 0; k < all[i]->n; k++) {
			const struct CMUnitTest *t = &all[i]->tests[k];

			if (only && !strcmp(only, "-l"))
				printf("%s %s\n", t->name, (const char *)t->initial_state);
			else if ((!only || !strcmp(only, t->name)) && n < STORIES_MAX)
				tests[n++] = *t;
		}
	}
	if (only && !strcmp(only, "-l"))
		return 0;
	if (!n || !getenv("FRAMEFARM_PHONE") || !getenv("FRAMEFARM_AGENT")) {
		fprintf(stderr, "adbquirks: no such story, or FRAMEFARM_PHONE and FRAMEFARM_AGENT "
				"are not set\n");
		return 2;
	}
	return _cmocka_run_group_tests("adb_quirks", tests, (size_t)n, NULL, NULL);
}
