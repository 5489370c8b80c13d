/* SPDX-License-Identifier: Apache-2.0 */
/* framefarm-agent: the program on the device. See agents/agent/README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/detach.h"
#include "agent/opts.h"

#define SYS_CLOSE_RANGE 436
#define FD_END          1024

/* Whatever the shell or a driver left open is not the agent's, and must not reach a runner. */
static void close_inherited(void)
{
	if (!syscall(SYS_CLOSE_RANGE, STDERR_FILENO + 1, ~0u, 0))
		return;
	for (int fd = STDERR_FILENO + 1; fd < FD_END; fd++)
		close(fd);
}

static int serve(const struct opts *o)
{
	struct agent *a = malloc(sizeof(*a));
	struct detach d;
	char why[512];
	int code;

	if (!a || detach_begin(&d, o->foreground)) {
		perror("framefarm-agent");
		free(a);
		return AGENT_FAILED;
	}
	code = agent_init(a, o, why, sizeof(why));
	if (code != AGENT_OK) {
		fprintf(stderr, "framefarm-agent: %s\n", why);
		detach_failed(&d, code);
		free(a);
		return code;
	}
	detach_ready(&d, a->endpoint.name);
	code = agent_run(a);
	agent_fini(a);
	free(a);
	return code;
}

int main(int argc, char *argv[])
{
	struct opts o;
	char why[512];

	umask(077);
	close_inherited();
	if (opts_parse(&o, argc, argv, why, sizeof(why))) {
		fprintf(stderr, "framefarm-agent: %s\n", why);
		return AGENT_USAGE;
	}
	if (o.help)
		opts_print_help();
	else if (o.version)
		puts("framefarm-agent " FRAMEFARM_VERSION);
	else
		return serve(&o);
	return AGENT_OK;
}
