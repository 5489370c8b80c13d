/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as a descriptor; see stop.h. */
#include "cmd/stop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

static int fd = -1;
static bool asked;

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int stop_begin(struct err *e)
{
	sigset_t set;

	fill(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(e, errno, "signals cannot be watched");
	sigprocmask(SIG_BLOCK, &set, NULL);
	return 0;
}

void stop_end(void)
{
	sigset_t set;

	if (fd < 0)
		return;
	stop_asked(); /* takes what is pending, which would kill as soon as it is unblocked */
	close(fd);
	fd = -1;
	asked = false;
	fill(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int stop_fd(void)
{
	return fd;
}

bool stop_asked(void)
{
	struct signalfd_siginfo info;

	while (fd >= 0 && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		asked = true;
	return asked;
}

bool stop_sleep(int64_t ms)
{
	int64_t end = clock_mono_ms() + ms, left = ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (left > 0 && !stop_asked()) {
		poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		left = end - clock_mono_ms();
	}
	return stop_asked();
}
