/* SPDX-License-Identifier: Apache-2.0 */
/* --check LIB: whether a library is a runtime that this runner can use. One `key value` a line. */
#include <stdio.h>

#include "standalone.h"

int check_main(int argc, char **argv)
{
	char providers[512];
	struct ort *o = NULL;
	struct fail f = {0};
	int rc;

	if (argc != 1) {
		fail_set(&f, OUTCOME_INTERNAL, "--check needs the path of a library");
		return standalone_fail(&f);
	}
	rc = ort_open(argv[0], &o, &f) || ort_start(o, &f) ||
	     ort_providers(o, providers, sizeof(providers), &f);
	if (!rc)
		printf("version %s\napi %d\nproviders %s\nbuild %s\n", o->version, o->api,
			providers, o->GetBuildInfoString());
	fflush(stdout);
	ort_close(o);
	return rc ? standalone_fail(&f) : 0;
}
