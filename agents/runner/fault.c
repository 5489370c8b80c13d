/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes before there is a model; see fault.h. */
#include "fault.h"

#include <signal.h>

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

void fault_watch(struct report *report)
{
	struct sigaction sa = {.sa_handler = on_fault, .sa_flags = (int)SA_RESETHAND};

	to = report;
	for (size_t i = 0; i < N_FAULTS; i++)
		sigaction(faults[i].sig, &sa, &before[i]);
}

void fault_unwatch(void)
{
	for (size_t i = 0; i < N_FAULTS; i++)
		sigaction(faults[i].sig, &before[i], NULL);
}
