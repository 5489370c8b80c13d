/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent itself states about an attempt: the list stands in agents/README.md. See
 * attempt.h. */
#include "agent/attempt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/cause.h"
#include "agent/charge.h"
#include "agent/ident.h"
#include "agent/root.h"
#include "agent/sampler.h"
#include "timesrc.h"

#define POLICY_DIR    "/sys/devices/system/cpu/cpufreq"
#define GOVERNORS_MAX 8

static void note_clocks(struct attempt *a, const char *when)
{
	const struct {
		const char *name;
		int64_t ns;
	} clocks[] = {
		{"mono_ns", timesrc_mono_ns(a->env->ts)},
		{"boot_ns", timesrc_boot_ns(a->env->ts)},
		{"wall_ns", timesrc_wall_ns(a->env->ts)},
	};
	char key[MSG_NAME];

	for (int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "clock.%s.%s", when, clocks[i].name);
		record_int(&a->record, key, clocks[i].ns);
	}
}

static void note_environment(struct attempt *a, const char *when)
{
	int32_t mc = sampler_hottest(a->env->sampler);
	char key[MSG_NAME];

	snprintf(key, sizeof(key), "env.%s.charge", when);
	record_str(&a->record, key, charge_class(a->env->root));
	if (mc == SAMPLER_TEMP_UNKNOWN)
		return;
	snprintf(key, sizeof(key), "env.%s.hottest_mc", when);
	record_int(&a->record, key, mc);
}

static void note_governors(struct attempt *a)
{
	char(*names)[ROOT_NAME] = NULL;
	int n = root_list(a->env->root, POLICY_DIR, "policy", &names);
	char path[160], key[MSG_NAME + ROOT_NAME], text[32];

	for (int i = 0; i < n && i < GOVERNORS_MAX; i++) {
		snprintf(path, sizeof(path), POLICY_DIR "/%s/scaling_governor", names[i]);
		if (root_read(a->env->root, path, text, sizeof(text)) <= 0)
			continue;
		snprintf(key, sizeof(key), "env.cpu.%s.governor", names[i]);
		record_str(&a->record, key, text);
	}
	free(names);
}

void attempt_facts_begin(struct attempt *a)
{
	const struct ident *id = a->env->ident;
	struct record *r = &a->record;

	record_str(r, "agent.version", FRAMEFARM_VERSION);
	record_str(r, "agent.abi", id->abi);
	record_str(r, "agent.os", id->os);
	record_str(r, "agent.kernel_boot_id", id->kernel_boot_id);
	record_str(r, "agent.protections", a->env->protections);
	record_str(r, "agent.context", "shell");
	note_clocks(a, "begin");
	sampler_sweep(a->env->sampler, true, NULL, NULL);
	note_environment(a, "before");
	record_str(r, "thermal", sampler_has_temps(a->env->sampler) ? "observed" : "unobserved");
	note_governors(a);
}

static void note_exit(struct attempt *a, const char *prefix)
{
	char key[MSG_NAME], text[48];
	int status = a->proc.status;

	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s", cause_signal_name(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text), "exit code %d", WEXITSTATUS(status));
	snprintf(key, sizeof(key), "%s.exit", prefix);
	record_str(&a->record, key, text);
}

static int64_t ns_of(struct timeval t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_usec * INT64_C(1000);
}

void attempt_facts_process(struct attempt *a)
{
	const struct rusage *u = &a->proc.usage;
	const struct {
		const char *name;
		int64_t v;
	} values[] = {
		{"peak_rss_bytes", u->ru_maxrss * INT64_C(1024)},
		{"user_ns", ns_of(u->ru_utime)},
		{"system_ns", ns_of(u->ru_stime)},
		{"major_faults", u->ru_majflt},
		{"switches_involuntary", u->ru_nivcsw},
	};
	char prefix[24], key[MSG_NAME];

	snprintf(prefix, sizeof(prefix), "process.%u", a->process);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(key, sizeof(key), "%s.%s", prefix, values[i].name);
		record_int(&a->record, key, values[i].v);
	}
	note_exit(a, prefix);
}

void attempt_facts_end(struct attempt *a)
{
	int64_t boot_ns = timesrc_boot_ns(a->env->ts) - a->begin_boot_ns;
	int64_t mono_ns = timesrc_mono_ns(a->env->ts) - a->begin_ns;
	uint64_t cut = output_finish(&a->output, &a->record);

	note_environment(a, "after");
	note_clocks(a, "end");
	/* The monotonic clock stands while the device is suspended. The two are not read at the
	 * same instant, so a few microseconds are nothing. */
	record_int(&a->record, "clock.suspended_ms", (boot_ns - mono_ns) / 1000000);
	if (cut)
		record_int(&a->record, "text.cut_bytes", cut);
	if (record_facts_dropped(&a->record))
		record_int(&a->record, "facts.dropped", record_facts_dropped(&a->record));
}
