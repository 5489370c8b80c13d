/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every transition of the core's state machines: the legal ones are those of the design, written
 * here once more in words, and each change that is not among them ends the process.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/internal.h"

struct machine {
	const char *what;
	const char *const *legal; /* "from: to to to", NULL-terminated */
	int end;
	const char *(*name)(int64_t s);
	bool (*may)(int64_t from, int64_t to);
	void (*change)(struct farm *f, int from, int to);
};

static const char *const device_legal[] = {
	"absent: detected quarantined retired",
	"detected: identifying",
	"identifying: preparing service authorizing needs_human recovering absent quarantined "
	"retired",
	"authorizing: needs_human identifying service absent",
	"needs_human: authorizing identifying service absent quarantined retired",
	"preparing: ready busy cleaning authorizing needs_human recovering absent quarantined "
	"retired",
	"ready: leased service authorizing needs_human recovering absent quarantined retired",
	"leased: busy cleaning recovering absent",
	"busy: cleaning recovering identifying absent",
	"cleaning: cooling recovering absent quarantined",
	"cooling: ready authorizing needs_human recovering absent quarantined retired",
	"recovering: identifying quarantined absent authorizing needs_human retired",
	"quarantined: identifying absent retired",
	"retired:",
	"service: ready identifying authorizing needs_human recovering absent",
	NULL,
};

static const char *const lease_legal[] = {
	"waiting: granted released expired rejected",
	"granted: active releasing",
	"active: releasing",
	"releasing: released expired revoked",
	"released:",
	"expired:",
	"revoked:",
	"rejected:",
	NULL,
};

static const char *const job_legal[] = {
	"queued: running errored cancelled",
	"running: paused completed errored cancelled",
	"paused: running errored cancelled",
	"completed:",
	"errored:",
	"cancelled:",
	NULL,
};

static const char *const run_legal[] = {
	"queued: assigned errored cancelled",
	"assigned: staging",
	"staging: running reattaching queued errored cancelled",
	"running: reattaching collecting queued errored cancelled timed_out",
	"reattaching: running collecting queued errored cancelled",
	"collecting: completed assigned reattaching queued errored cancelled",
	"completed:",
	"errored:",
	"cancelled:",
	"timed_out:",
	NULL,
};

static const char *const attempt_legal[] = {
	"staging: started done",
	"started: collecting done",
	"collecting: stored done",
	"stored: done",
	"done:",
	NULL,
};

static void change_device(struct farm *f, int from, int to)
{
	struct device d = {.row = {.id = 1, .state = from}};

	ent_init(&d.ent, &device_table, &d.row);
	timer_init(&d.timer, TIMER_DEVICE, &d);
	device_set_state(f, &d, to, NULL);
}

static void change_lease(struct farm *f, int from, int to)
{
	struct lease l = {.row = {.id = 1, .state = from}};

	ent_init(&l.ent, &lease_table, &l.row);
	lease_set_state(f, &l, to, NULL);
}

static void change_job(struct farm *f, int from, int to)
{
	struct job j = {.row = {.id = 1, .state = from}};

	ent_init(&j.ent, &job_table, &j.row);
	job_set_state(f, &j, to, NULL, NULL);
}

static void change_run(struct farm *f, int from, int to)
{
	struct run r = {.row = {.id = 1, .state = from}};

	ent_init(&r.ent, &run_table, &r.row);
	run_set_state(f, &r, to, NULL);
}

static void change_attempt(struct farm *f, int from, int to)
{
	struct attempt a = {.row = {.id = 1, .state = from}};

	ent_init(&a.ent, &attempt_table, &a.row);
	attempt_set_state(f, &a, to);
}

static const struct machine machines[] = {
	{"device", device_legal, DEVICE_STATES_END, device_state_name, farm_device_may,
		change_device},
	{"lease", lease_legal, LEASE_STATES_END, lease_state_name, farm_lease_may, change_lease},
	{"job", job_legal, JOB_STATES_END, job_state_name, farm_job_may, change_job},
	{"run", run_legal, RUN_STATES_END, run_state_name, farm_run_may, change_run},
	{"attempt", attempt_legal, ATTEMPT_STATES_END, attempt_state_name, farm_attempt_may,
		change_attempt},
};

#define N_MACHINES (sizeof(machines) / sizeof(machines[0]))

/* Whether the list says that `from` may become `to`. */
static bool is_legal(const struct machine *m, const char *from, const char *to)
{
	char line[256], *word, *rest;

	for (int i = 0; m->legal[i]; i++) {
		snprintf(line, sizeof(line), "%s", m->legal[i]);
		word = strtok_r(line, ": ", &rest);
		if (strcmp(word, from))
			continue;
		while ((word = strtok_r(NULL, " :", &rest)))
			if (!strcmp(word, to))
				return true;
		return false;
	}
	fail_msg("the list of the %s lacks the state %s", m->what, from);
	return false;
}

static void tables_say_what_the_design_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MACHINES; i++) {
		const struct machine *m = &machines[i];

		for (int from = 1; from < m->end; from++)
			for (int to = 1; to < m->end; to++)
				if (m->may(from, to) != is_legal(m, m->name(from), m->name(to)))
					fail_msg("%s: %s -> %s", m->what, m->name(from),
						m->name(to));
		assert_false(m->may(0, 1));
		assert_false(m->may(1, m->end));
	}
}

/* In a process of its own: whether it lives is the answer. */
static bool survives(const struct machine *m, int from, int to)
{
	struct farm_config cfg;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit none = {0, 0};
		struct farm_out out;

		setrlimit(RLIMIT_CORE, &none);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		farm_config_default(&cfg);
		farm_out_init(&out);
		m->change(farm_new(&cfg), from, to);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true((WIFEXITED(status) && !WEXITSTATUS(status)) ||
		    (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
	return WIFEXITED(status);
}

static void an_illegal_change_ends_the_process_and_a_legal_one_does_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_MACHINES; i++) {
		const struct machine *m = &machines[i];

		for (int from = 1; from < m->end; from++)
			for (int to = 1; to < m->end; to++)
				if (survives(m, from, to) != m->may(from, to))
					fail_msg("%s: %s -> %s", m->what, m->name(from),
						m->name(to));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_say_what_the_design_says),
		cmocka_unit_test(an_illegal_change_ends_the_process_and_a_legal_one_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
