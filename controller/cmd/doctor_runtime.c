/* SPDX-License-Identifier: Apache-2.0 */
/* What a run needs: our programs and the runtime library; see doctor.h. */
#include "cmd/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/capture.h"

#define RUNNER   "framefarm-runner-onnxruntime"
#define CHECK_MS 20000

void doctor_programs(struct doctor *d)
{
	static const char *const programs[] = {"framefarm-agent", RUNNER};
	char path[PATHS_MAX], text[DOCTOR_TEXT_MAX];
	struct err e = {0};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		char version[] = "--version", *argv[] = {path, version, NULL};
		int rc;

		if (!paths_join(path, d->tools, programs[i]) || access(path, X_OK)) {
			doctor_say(d, DOCTOR_FAIL, "make",
				"%s is not in %s: nothing can be measured", programs[i], d->tools);
			continue;
		}
		rc = capture_run(argv, CHECK_MS, text, sizeof(text), &e);
		text[strcspn(text, "\n")] = '\0';
		if (rc)
			doctor_say(d, DOCTOR_FAIL, "make clean && make", "%s does not run here: %s",
				path, rc < 0 ? e.text : text);
		else if (!strstr(text, FRAMEFARM_VERSION))
			doctor_say(d, DOCTOR_WARN, "make",
				"%s says it is \"%s\", this is framefarm " FRAMEFARM_VERSION, path,
				text);
		else
			doctor_say(d, DOCTOR_OK, "", "%s", path);
	}
}

/* The value of "key value" on a line of its own, or "". */
static void value_of(const char *text, const char *key, char *dst, size_t size)
{
	size_t n = strlen(key);

	*dst = '\0';
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len > n && !strncmp(text, key, n) && text[n] == ' ')
			snprintf(dst, size, "%.*s", (int)(len - n - 1), text + n + 1);
		text += len + (text[len] == '\n');
	}
}

void doctor_runtime(struct doctor *d)
{
	static const char fix[] =
		"etc/build/fetch-ort.sh, or FRAMEFARM_ORT=/path/to/libonnxruntime.so";
	char lib[PATHS_MAX], runner[PATHS_MAX], text[4096], version[64], providers[256];
	char check[] = "--check", *argv[] = {runner, check, lib, NULL};
	struct err e = {0};
	int rc;

	if (!paths_find_ort(lib)) {
		doctor_say(d, DOCTOR_FAIL, fix, "no ONNX Runtime was found: no model can be run");
		return;
	}
	if (access(lib, R_OK)) {
		doctor_say(d, DOCTOR_FAIL, fix, "%s cannot be read: no model can be run", lib);
		return;
	}
	if (!paths_join(runner, d->tools, RUNNER) || access(runner, X_OK)) {
		doctor_say(d, DOCTOR_WARN, "make", "%s is there, but not the runner to try it with",
			lib);
		return;
	}
	rc = capture_run(argv, CHECK_MS, text, sizeof(text), &e);
	value_of(text, "version", version, sizeof(version));
	value_of(text, "providers", providers, sizeof(providers));
	text[strcspn(text, "\n")] = '\0';
	if (rc > CAPTURE_SIGNAL && !*text)
		snprintf(text, sizeof(text), "it crashes while it is opened (%s)",
			strsignal(rc - CAPTURE_SIGNAL));
	if (rc)
		doctor_say(
			d, DOCTOR_FAIL, fix, "%s does not work: %s", lib, rc < 0 ? e.text : text);
	else
		doctor_say(
			d, DOCTOR_OK, "", "%s, version %s, providers %s", lib, version, providers);
}
