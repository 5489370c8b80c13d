/* SPDX-License-Identifier: Apache-2.0 */
/* The program under the agent; see process.h. */
#include "process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "attempt.h"

static int prepare(struct channel *c, struct ring *ring, struct report *report,
	struct assignment *ret_a, struct fail *f)
{
	if (ring_open(ring, RUNNER_FD_RING, f))
		return -1;
	report->alive_ns = &ring->h->alive_ns;
	report_alive(report);
	return channel_receive(c, ret_a, f) || channel_watch(c, f) ? -1 : 0;
}

int process_main(const char *clock)
{
	static struct assignment a; /* too large for a small stack */
	static struct channel c;
	struct report report = {.fd = RUNNER_FD_CONTROL};
	struct ring ring = {0};
	struct attempt at = {&a, &c, &report, &ring, NULL};
	struct fail f = {0};
	int rc;

	signal(SIGPIPE, SIG_IGN);
	report.ts = at.ts = timesrc_open(clock);
	if (!at.ts) {
		fprintf(stderr, "framefarm-runner: the clock page %s cannot be opened\n",
			clock ? clock : "");
		return 1;
	}
	channel_init(&c, RUNNER_FD_CONTROL);
	rc = prepare(&c, &ring, &report, &a, &f);
	if (rc) {
		fprintf(stderr, "framefarm-runner: %s\n", f.text);
		report_done(&report, f.outcome, f.text);
	} else {
		attempt_run(&at);
	}
	channel_fini(&c);
	/* Without destructors: see attempt.h. */
	fflush(NULL);
	_exit(report.fd < 0);
}
