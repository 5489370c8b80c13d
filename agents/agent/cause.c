/* SPDX-License-Identifier: Apache-2.0 */
/* Why a runner ended; see cause.h. */
#include "agent/cause.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "plan.h"

#define EXIT_NOT_LOADED 127 /* the dynamic loader's code when a library is missing (ld.so(8)) */
#define MIB             (1024 * 1024)

static const struct {
	int sig;
	const char *name;
} signals[] = {
	{SIGSEGV, "SIGSEGV"},
	{SIGBUS, "SIGBUS"},
	{SIGILL, "SIGILL"},
	{SIGFPE, "SIGFPE"},
	{SIGABRT, "SIGABRT"},
	{SIGKILL, "SIGKILL"},
	{SIGTERM, "SIGTERM"},
	{SIGTRAP, "SIGTRAP"},
	{SIGSYS, "SIGSYS"},
	{SIGPIPE, "SIGPIPE"},
	{SIGXFSZ, "SIGXFSZ"},
	{SIGXCPU, "SIGXCPU"},
	{SIGHUP, "SIGHUP"},
	{SIGINT, "SIGINT"},
	{SIGQUIT, "SIGQUIT"},
	{SIGALRM, "SIGALRM"},
};

const char *cause_signal_name(int sig)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i].sig == sig)
			return signals[i].name;
	return "a signal";
}

static uint16_t by_memory(const struct death *d, char *cause, size_t size)
{
	if (WIFSIGNALED(d->status) && WTERMSIG(d->status) == SIGKILL)
		snprintf(cause, size,
			"the kernel killed the runner for lack of memory, %.1f s into %s; it had "
			"%lld MiB",
			d->into_ns / 1e9, d->phase, (long long)(d->peak_rss / MIB));
	else
		snprintf(cause, size,
			"the runner ran into its memory limit of %lld MiB, %.1f s into %s: %s",
			(long long)(d->memory_limit / MIB), d->into_ns / 1e9, d->phase,
			d->last_words);
	return OUTCOME_MEMORY;
}

static uint16_t by_signal(const struct death *d, char *cause, size_t size)
{
	int sig = WTERMSIG(d->status);

	if (sig == SIGKILL && d->oom_kills > 0)
		return by_memory(d, cause, size);
	if (sig == SIGKILL)
		snprintf(cause, size, "somebody killed the runner (SIGKILL) %.1f s into %s; %s",
			d->into_ns / 1e9, d->phase,
			d->oom_kills < 0 ? "perhaps the kernel, for lack of memory"
					 : "the kernel did not do it for lack of memory");
	else
		snprintf(cause, size,
			"the runner was killed by %s %.1f s into %s; the model or the runtime "
			"crashed%s%s",
			cause_signal_name(sig), d->into_ns / 1e9, d->phase,
			*d->last_words ? ": " : "", d->last_words);
	return OUTCOME_CRASH;
}

uint16_t cause_of_death(const struct death *d, char *cause, size_t size)
{
	int code = WIFEXITED(d->status) ? WEXITSTATUS(d->status) : -1;

	if (d->memory_limit && d->speaks_of_memory)
		return by_memory(d, cause, size);
	if (WIFSIGNALED(d->status))
		return by_signal(d, cause, size);
	if (code == EXIT_NOT_LOADED) {
		snprintf(cause, size, "the runner's program cannot be loaded on this device: %s",
			*d->last_words ? d->last_words : "no reason was given");
		return OUTCOME_RUNTIME;
	}
	snprintf(cause, size, "the runner ended with code %d and no result, %.1f s into %s%s%s",
		code, d->into_ns / 1e9, d->phase, *d->last_words ? ": " : "", d->last_words);
	return OUTCOME_CRASH;
}
