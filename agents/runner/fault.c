/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes and hangs before there is a model; see fault.h. */
#include "fault.h"

#include <signal.h>
#include <sys/time.h>

#define SAYS(name)                                                                                 \
	"the runtime library crashed while it was opened (" name                                   \
	"): it is damaged or not for this device; name another in FRAMEFARM_ORT"

/* No SIGABRT: a library that aborts says why, and under a memory limit that may be the limit. */
static const struct {
	int sig;
	const char *cause;
} faults[] = {
	{SIGSEGV, SAYS("SIGSEGV")},
	{SIGBUS, SAYS("SIGBUS")},
	{SIGILL, SAYS("SIGILL")},
	{SIGFPE, SAYS("SIGFPE")},
	{SIGALRM, "the runtime library does not come back from being opened: it is not for this "
		  "device; name another in FRAMEFARM_ORT"},
};

#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

static struct report *to;
static struct sigaction before[N_FAULTS];

/* What report_done() calls is async-signal-safe. SA_RESETHAND has put the default action back. */
static void on_fault(int sig)
{
	for (size_t i = 0; i < N_FAULTS; i++)
		if (faults[i].sig == sig)
			report_done(to, OUTCOME_RUNTIME, faults[i].cause);
	raise(sig);
}

static void set_timer(uint32_t ms)
{
	struct itimerval t = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L}};

	setitimer(ITIMER_REAL, &t, NULL);
}

void fault_watch(struct report *report, uint32_t patience_ms)
{
	struct sigaction sa = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND};

	to = report;
	for (size_t i = 0; i < N_FAULTS; i++)
		sigaction(faults[i].sig, &sa, &before[i]);
	set_timer(patience_ms);
}

void fault_unwatch(void)
{
	set_timer(0);
	for (size_t i = 0; i < N_FAULTS; i++)
		sigaction(faults[i].sig, &before[i], NULL);
}
