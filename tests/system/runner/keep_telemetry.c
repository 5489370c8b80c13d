/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the runner to see that tests/system/telemetry.sh can fail: takes back the runner's
 * setenv("ORT_DISABLE_TELEMETRY"). With ONNX Runtime 1.29 or newer from npm the test then must
 * fail, in a network namespace of its own.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int setenv(const char *name, const char *value, int overwrite)
{
	int (*real)(const char *, const char *, int);

	if (!strcmp(name, "ORT_DISABLE_TELEMETRY"))
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, "setenv");
	return real(name, value, overwrite);
}
