/* SPDX-License-Identifier: Apache-2.0 */
/* A library that answers as ONNX Runtime 1.10 does to whoever asks for a later API. */
#include <stddef.h>
#include <stdint.h>

struct api_base {
	const void *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

const struct api_base *OrtGetApiBase(void);

static const void *get_api(uint32_t version)
{
	(void)version;
	return NULL;
}

static const char *get_version(void)
{
	return "1.10.0";
}

const struct api_base *OrtGetApiBase(void)
{
	static const struct api_base base = {get_api, get_version};

	return &base;
}
