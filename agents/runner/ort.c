/* SPDX-License-Identifier: Apache-2.0 */
/* Opening ONNX Runtime; see ort.h. */
#include "ort.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hush.h"
#include "plan.h"

/* What the user of a host can do about a library that is none for us. */
#define ANOTHER "; name ONNX Runtime's own in FRAMEFARM_ORT"

#define LOG_LINES 200
#define LOG_BYTES 512

#define MESSAGE_MAX 1024 /* of the runtime, looked at */

/* What the library's one entry point answers: struct OrtApiBase, which "can never change". */
struct api_base {
	const void *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

static int refuse(struct fail *f, const char *fmt, const char *arg)
{
	char text[FAIL_TEXT];

	text_clean(text, sizeof(text), arg);
	return fail_set(f, OUTCOME_RUNTIME, fmt, text);
}

static void load_slots(struct ort *o, const void *table)
{
	const char *t = table;

#define LOAD(slot, since, name, type, params)                                                      \
	_Static_assert((since) <= ORT_API_FLOOR, #name);                                           \
	memcpy(&o->name, t + (slot) * sizeof(void *), sizeof(void *));
	ORT_SLOTS(LOAD)
#undef LOAD
}

static void load_more(struct ort *o, const void *table)
{
	const char *t = table;

#define LOAD(slot, since, name, type, params)                                                      \
	_Static_assert((since) <= ORT_API_MORE, #name);                                            \
	memcpy(&o->name, t + (slot) * sizeof(void *), sizeof(void *));
	ORT_SLOTS_MORE(LOAD)
#undef LOAD
}

/* The API version that belongs to a release: 1.24.x has 24. Asking for more than a library grants
 * makes it print to stderr, so it is asked only for what its own version promises. */
static int api_of(const char *version)
{
	int major = 0, minor = 0;

	if (sscanf(version, "%d.%d", &major, &minor) < 1)
		return 0;
	return major > 1 ? ORT_API_MORE : minor;
}

static int load_api(struct ort *o, const struct api_base *base, struct fail *f)
{
	const void *table;

	text_clean(o->version, sizeof(o->version), base->get_version());
	table = api_of(o->version) >= ORT_API_FLOOR ? base->get_api(ORT_API_FLOOR) : NULL;
	if (!table)
		return refuse(f,
			"the runtime library is ONNX Runtime %s; this runner needs 1.16 or newer",
			o->version);
	load_slots(o, table);
	o->api = ORT_API_FLOOR;
	table = api_of(o->version) >= ORT_API_MORE ? base->get_api(ORT_API_MORE) : NULL;
	if (table) {
		load_more(o, table);
		o->api = ORT_API_MORE;
	}
	return 0;
}

int ort_open(const char *path, struct ort **ret_ort, struct fail *f)
{
	const struct api_base *(*get_base)(void), *base;
	struct ort *o = calloc(1, sizeof(*o));

	if (!o)
		return fail_set(f, OUTCOME_MEMORY, "no memory to open the runtime library");
	setenv("ORT_DISABLE_TELEMETRY", "1", 1);
	o->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!o->lib) {
		refuse(f, "the runtime library cannot be opened: %s" ANOTHER, dlerror());
		goto out;
	}
	*(void **)&get_base = dlsym(o->lib, "OrtGetApiBase");
	base = get_base ? get_base() : NULL;
	if (!base || !base->get_api || !base->get_version) {
		fail_set(f, OUTCOME_RUNTIME,
			"the runtime library is not ONNX Runtime: it has no "
			"OrtGetApiBase" ANOTHER);
		goto out;
	}
	if (load_api(o, base, f))
		goto out;
	*ret_ort = o;
	return 0;
out:
	free(o);
	return -1;
}

static void on_log(void *param, int level, const char *category, const char *id, const char *place,
	const char *message)
{
	static atomic_int lines;
	char text[LOG_BYTES];
	int n = atomic_fetch_add(&lines, 1);

	(void)param;
	(void)id;
	(void)place;
	if (n > LOG_LINES) {
		atomic_store(&lines, LOG_LINES + 1); /* never wraps around */
		return;
	}
	text_clean(text, sizeof(text), message ? message : "");
	if (n == LOG_LINES)
		snprintf(text, sizeof(text), "further messages are dropped");
	dprintf(hush_stderr(), "onnxruntime %s %s: %s\n",
		level >= ORT_LOG_ERROR ? "error" : "warning", category ? category : "", text);
}

int ort_start(struct ort *o, struct fail *f)
{
	struct ort_status *st;

	st = o->CreateEnvWithCustomLogger(on_log, NULL, ORT_LOG_WARNING, "framefarm", &o->env);
	if (ort_check(o, st, f, "the runtime does not start"))
		goto out;
	if (ort_check(o, o->GetAllocatorWithDefaultOptions(&o->allocator), f, "its allocator"))
		goto out;
	if (ort_check(o, o->CreateCpuMemoryInfo(ORT_ALLOCATOR_DEVICE, ORT_MEM_DEFAULT, &o->cpu), f,
		    "its memory description"))
		goto out;
	if (ort_check(o, o->CreateRunOptions(&o->run), f, "its run options"))
		goto out;
	return 0;
out:
	if (f->outcome == OUTCOME_MODEL) /* no model is in sight yet */
		f->outcome = OUTCOME_RUNTIME;
	return -1;
}

void ort_close(struct ort *o)
{
	if (!o)
		return;
	if (o->run)
		o->ReleaseRunOptions(o->run);
	if (o->cpu)
		o->ReleaseMemoryInfo(o->cpu);
	if (o->env)
		o->ReleaseEnv(o->env);
	free(o);
}

/* How the runtime words a refused allocation: bad_alloc's what() and its arenas' own sentence
 * (core/framework/bfc_arena.cc). */
static bool is_memory(const char *message)
{
	return strstr(message, "bad_alloc") || strstr(message, "Failed to allocate memory") ||
	       strstr(message, "bad allocation");
}

/* Takes the source places ("/…/model.cc:146") out of a message: they push its reason out of what a
 * cause may hold. */
static void drop_places(char *text)
{
	char *to = text;

	while (*text) {
		size_t n = strcspn(text, " ");
		bool place = memmem(text, n, ".cc:", 4) || memmem(text, n, ".h:", 3);

		n += text[n] == ' ';
		if (!place) {
			memmove(to, text, n);
			to += n;
		}
		text += n;
	}
	*to = '\0';
}

int ort_check(struct ort *o, struct ort_status *st, struct fail *f, const char *what)
{
	char line[MESSAGE_MAX], text[FAIL_TEXT];
	const char *message;
	size_t room;
	bool memory;

	if (!st)
		return 0;
	message = o->GetErrorMessage(st);
	memory = message && is_memory(message);
	text_clean(line, sizeof(line), message ? message : "no message");
	drop_places(line);
	room = strlen(what) + 8 < sizeof(text) ? sizeof(text) - strlen(what) - 8 : 8;
	text_clean(text, room, line);
	o->ReleaseStatus(st);
	return fail_set(f, memory ? OUTCOME_MEMORY : OUTCOME_MODEL, "%s: %s", what, text);
}

int ort_providers(struct ort *o, char *ret_text, size_t size, struct fail *f)
{
	char **names = NULL, name[64];
	size_t len = 0;
	int n = 0;

	if (ort_check(o, o->GetAvailableProviders(&names, &n), f, "the runtime's providers"))
		return -1;
	ret_text[0] = '\0';
	for (int i = 0; i < n && len < size; i++) {
		text_key(name, sizeof(name), names[i]);
		len += snprintf(ret_text + len, size - len, "%s%s", i ? "," : "", name);
	}
	return ort_check(o, o->ReleaseAvailableProviders(names, n), f, "the runtime's providers");
}

void *ort_symbol(struct ort *o, const char *name)
{
	return dlsym(o->lib, name);
}
