/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's environment over the event loop; see host.h. */
#include "cmd/host.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "drivers/driver.h"
#include "farm/ctl.h"
#include "loop/host.h"
#include "loop/loop.h"

static struct now env_now(void *ctx)
{
	(void)ctx;
	return clock_now();
}

static void env_post(void *ctx, void (*fn)(void *arg), void *arg)
{
	loop_post(host_loop(ctx), fn, arg);
}

static void env_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	hash_random(dst, n);
}

/* A broken store or invariant: what is in memory is not believed any more. The next start goes on
 * from what is stored. */
static void env_fatal(void *ctx, const char *text)
{
	(void)ctx;
	log_err("event=fatal cause=\"%s\" remedy=\"see the log above; the data directory is as it "
		"was "
		"at the last commit\"",
		text);
	abort();
}

void host_env(struct host *h, struct ctl_env *ret_env)
{
	*ret_env = (struct ctl_env){.host = host_drivers(h),
		.now = env_now,
		.post = env_post,
		.random = env_random,
		.fatal = env_fatal,
		.ctx = h};
}
