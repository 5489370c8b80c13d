/* SPDX-License-Identifier: Apache-2.0 */
/* A library that answers as ONNX Runtime 1.10 does to whoever asks for a later API. Its version tells
 * apart whether telemetry was off when it was loaded: later is too late for one that reports home.
 * With FRAMEFARM_OLD_ORT_HANGS in the environment it does not come back from being loaded. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct api_base {
	const void *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

const struct api_base *OrtGetApiBase(void);

static bool quiet;

__attribute__((constructor)) static void on_load(void)
{
	const char *off = getenv("ORT_DISABLE_TELEMETRY");

	quiet = off && !strcmp(off, "1");
	while (getenv("FRAMEFARM_OLD_ORT_HANGS"))
		pause();
}

static const void *get_api(uint32_t version)
{
	(void)version;
	return NULL;
}

static const char *get_version(void)
{
	return quiet ? "1.10.0" : "1.10.0 with telemetry";
}

const struct api_base *OrtGetApiBase(void)
{
	static const struct api_base base = {get_api, get_version};

	return &base;
}
