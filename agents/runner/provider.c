/* SPDX-License-Identifier: Apache-2.0 */
/* Execution providers; see provider.h. */
#include "provider.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct ort_status *(*append_fn)(struct ort_options *, uint32_t);

/* Spelling that slot 216 takes (core/session/provider_registration.cc). */
static const struct {
	const char *name, *upstream;
} spellings[] = {
	{"azure", "AZURE"},
	{"coreml", "CoreML"},
	{"js", "JS"},
	{"migraphx", "MIGraphX"},
	{"openvino", "OpenVINO"},
	{"qnn", "QNN"},
	{"snpe", "SNPE"},
	{"vitisai", "VitisAI"},
	{"webgpu", "WebGPU"},
	{"webnn", "WEBNN"},
	{"xnnpack", "XNNPACK"},
};

/* Providers without a name-based form: an exported function with one number, which the option
 * "flags" gives (nnapi_provider_factory.h: 1 fp16, 2 NCHW, 4 no CPU device, 8 CPU device only;
 * dnnl_provider_factory.h: 1 use an arena). */
static const struct {
	const char *name, *symbol;
	uint32_t flags; /* without the option */
} functions[] = {
	{"nnapi", "OrtSessionOptionsAppendExecutionProvider_Nnapi", 0},
	{"dnnl", "OrtSessionOptionsAppendExecutionProvider_Dnnl", 1},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool provider_is_cpu(const char *name)
{
	return !name[0] || !strcasecmp(name, "cpu");
}

static int append_function(struct ort *o, struct ort_options *options, const struct plan *plan,
	size_t which, struct fail *f)
{
	uint32_t flags = functions[which].flags;
	append_fn fn;
	char *end;

	for (uint32_t i = 0; i < plan->n_provider_options; i++) {
		const struct plan_option *opt = &plan->provider_options[i];

		if (strcmp(opt->key, "flags"))
			return fail_set(f, OUTCOME_MODEL,
				"provider \"%s\" has no option \"%s\"; it has \"flags\", a number",
				plan->provider, opt->key);
		flags = (uint32_t)strtoul(opt->value, &end, 0);
		if (!opt->value[0] || *end)
			return fail_set(f, OUTCOME_MODEL,
				"option \"flags\" of provider \"%s\" must be a number",
				plan->provider);
	}
	*(void **)&fn = ort_symbol(o, functions[which].symbol);
	if (!fn)
		return fail_set(f, OUTCOME_MODEL,
			"this build of ONNX Runtime has no provider \"%s\"", plan->provider);
	return ort_check(o, fn(options, flags), f, "the runtime refuses the provider");
}

int provider_append(
	struct ort *o, struct ort_options *options, const struct plan *plan, struct fail *f)
{
	const char *keys[PLAN_OPTIONS_MAX], *values[PLAN_OPTIONS_MAX], *name = plan->provider;

	if (provider_is_cpu(name))
		return 0;
	for (size_t i = 0; i < COUNT(functions); i++)
		if (!strcasecmp(name, functions[i].name))
			return append_function(o, options, plan, i, f);
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (!strcasecmp(name, spellings[i].name))
			name = spellings[i].upstream;
	for (uint32_t i = 0; i < plan->n_provider_options; i++) {
		keys[i] = plan->provider_options[i].key;
		values[i] = plan->provider_options[i].value;
	}
	if (ort_check(o,
		    o->SessionOptionsAppendExecutionProvider(
			    options, name, keys, values, plan->n_provider_options),
		    f, "the runtime refuses the provider"))
		return fail_wrap(f, "provider \"%s\"", plan->provider);
	return 0;
}
