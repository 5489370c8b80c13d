/* SPDX-License-Identifier: Apache-2.0 */
/* agent_init(): the agent's parts, in the order in which they need each other. See agent.h. */
#include "agent/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/opts.h"
#include "agent/recover.h"
#include "agent/sampler.h"
#include "agent/scratch.h"
#include "timesrc.h"

#define SECRET_WAIT_NS 10000000000LL

struct why {
	char *text;
	size_t size;
};

static int fail(const struct why *why, int code, const char *what, const char *with, int error)
{
	snprintf(why->text, why->size, "%s %s: %s", what, with, strerror(error));
	return code;
}

/* ---- the secret ---- */

static int check_secret_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || (st.st_uid != geteuid() && st.st_uid))
		return -EPERM;
	return 0;
}

static int read_secret(struct agent *a, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t until_ns = timesrc_mono_ns(a->ts) + SECRET_WAIT_NS;
	size_t have = 0;

	while (have < PROTO_SECRET) {
		ssize_t n = timesrc_poll(a->ts, &p, 1, until_ns, true);

		if (n == 0)
			return -ETIMEDOUT;
		if (n > 0)
			n = read(fd, a->secret + have, PROTO_SECRET - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		have += n;
	}
	return 0;
}

static int take_secret(struct agent *a, const struct why *why)
{
	const char *path = a->opts->secret_file;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : STDIN_FILENO;
	int rc = fd < 0 ? -errno : path ? check_secret_file(fd) : 0;

	if (!rc)
		rc = read_secret(a, fd);
	if (path && fd >= 0)
		close(fd);
	if (rc == -ENODATA)
		snprintf(why->text, why->size, "the secret has 32 bytes; %s gave fewer",
			path ? path : "stdin");
	else if (rc == -EPERM)
		snprintf(why->text, why->size, "%s holds the secret: its mode must be 0600", path);
	else if (rc)
		fail(why, 0, "cannot read the secret from", path ? path : "stdin", -rc);
	return rc ? AGENT_FAILED : AGENT_OK;
}

/* ---- parts ---- */

/* After the last fork: a virtual phone knows its participants by their process ids. */
static int open_time(struct agent *a, const struct why *why)
{
	a->ts = timesrc_open(a->opts->clock_page);
	if (!a->ts)
		return fail(why, AGENT_FAILED, "cannot open the clock page", a->opts->clock_page,
			errno);
	return AGENT_OK;
}

static int open_home(struct agent *a, const struct why *why)
{
	int rc = home_open(&a->home, a->opts->dir);

	if (rc == -EBUSY) {
		snprintf(why->text, why->size, "another agent lives in %s", a->opts->dir);
		return AGENT_DIR_BUSY;
	}
	return rc ? fail(why, AGENT_FAILED, "cannot use", a->opts->dir, -rc) : AGENT_OK;
}

static int open_log(struct agent *a, const struct why *why)
{
	static char path[4096];
	const char *to = a->opts->log;
	int rc;

	if (!to && !a->opts->foreground) {
		if (snprintf(path, sizeof(path), "%s/agent.log", a->opts->dir) >= (int)sizeof(path))
			return fail(why, AGENT_FAILED, "cannot use", a->opts->dir, ENAMETOOLONG);
		to = path;
	}
	rc = log_open(to, a->ts);
	return rc ? fail(why, AGENT_FAILED, "cannot write the log", to, -rc) : AGENT_OK;
}

static int open_identity(struct agent *a, const struct why *why)
{
	int rc = root_init(&a->root, a->opts->root);

	if (rc)
		return fail(why, AGENT_FAILED, "cannot read the tree", a->opts->root, -rc);
	rc = ident_load(&a->ident, a->home.dir, &a->root);
	if (rc)
		return fail(why, AGENT_FAILED, "cannot keep an identity in", a->opts->dir, -rc);
	rc = epochs_load(&a->epochs, a->home.dir);
	if (rc == -EBADMSG)
		log_err("event=epochs-damaged kept=epochs.bad");
	else if (rc)
		return fail(why, AGENT_FAILED, "cannot read the epochs in", a->opts->dir, -rc);
	return AGENT_OK;
}

static int open_sampler(struct agent *a, const struct why *why)
{
	uint32_t available = 0;

	a->sampler = sampler_new(&a->root, a->ts);
	if (!a->sampler)
		return fail(why, AGENT_FAILED, "cannot probe", a->opts->root, ENOMEM);
	for (uint32_t i = 0; i < sampler_count(a->sampler); i++)
		available += sampler_counter(a->sampler, i)->info.available;
	log_info("event=probed counters=%u available=%u temps=%d", sampler_count(a->sampler),
		available, sampler_has_temps(a->sampler));
	return AGENT_OK;
}

/* The clock page's directory, which the runner must reach. */
static void find_page_dir(struct agent *a)
{
	const char *page = a->opts->clock_page;
	const char *slash = page ? strrchr(page, '/') : NULL;
	int n = slash ? (int)(slash - page) : 0;

	if (page)
		snprintf(a->page_dir, sizeof(a->page_dir), "%.*s", slash ? n + !n : 1,
			slash ? page : ".");
}

static int open_guards(struct agent *a, const struct why *why)
{
	struct sandbox sb = {.uid = a->opts->runner_uid,
		.files_dir = a->home.files,
		.exe = -1,
		.netns = -1,
		.scratch = a->home.scratch};
	int rc = sandbox_probe(&a->env.guards, &sb);

	if (rc)
		return fail(why, AGENT_FAILED, "cannot probe", "the runner's guards", -rc);
	sandbox_describe(&a->env.guards, &sb, a->protections, sizeof(a->protections));
	log_info("event=guards protections=\"%s\"", a->protections);
	find_page_dir(a);
	a->env.ts = a->ts;
	a->env.root = &a->root;
	a->env.home = &a->home;
	a->env.ident = &a->ident;
	a->env.sampler = a->sampler;
	a->env.gate = &a->gate;
	a->env.shelf = &a->shelf;
	a->env.runner_uid = a->env.guards.error[GUARD_UID] ? -1 : a->opts->runner_uid;
	a->env.clock_page = a->opts->clock_page;
	a->env.page_dir = a->opts->clock_page ? a->page_dir : NULL;
	a->env.protections = a->protections;
	a->env.netns = &a->netns;
	a->no_netns = a->env.guards.error[GUARD_NETNS] != 0;
	attempt_init(&a->attempt, &a->env);
	return AGENT_OK;
}

static int open_signals(struct agent *a, const struct why *why)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return fail(why, AGENT_FAILED, "cannot receive", "signals", errno);
	proc_adopt();
	return AGENT_OK;
}

static int open_spools(struct agent *a, const struct why *why)
{
	(void)why;
	scratch_remove_all(a->home.scratch);
	shelf_init(&a->shelf, a->home.spool, a->opts->spool_max);
	uplink_init(&a->uplink, &a->shelf);
	recover_all(&a->shelf, &a->home, &a->ident, a->ts);
	return AGENT_OK;
}

static int open_endpoint(struct agent *a, const struct why *why)
{
	return endpoint_listen(&a->endpoint, a->opts->listen, why->text, why->size)
	               ? AGENT_CANNOT_LISTEN
	               : AGENT_OK;
}

int agent_init(struct agent *a, const struct opts *o, char *why_text, size_t size)
{
	static int (*const steps[])(struct agent * a, const struct why *why) = {
		open_time,
		open_home,
		open_log,
		take_secret,
		open_identity,
		open_sampler,
		open_guards,
		open_signals,
		open_spools,
		open_endpoint,
	};
	struct why why = {why_text, size};
	int code = AGENT_OK;

	memset(a, 0, sizeof(*a));
	a->opts = o;
	a->root.fd = a->endpoint.fd = a->signals = a->netns = -1;
	a->home = (struct home){-1, -1, -1, -1, -1};
	for (size_t i = 0; code == AGENT_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		code = steps[i](a, &why);
	if (code != AGENT_OK)
		setup_undo(a);
	return code;
}

void setup_undo(struct agent *a)
{
	endpoint_close(&a->endpoint);
	shelf_fini(&a->shelf);
	if (a->signals >= 0)
		close(a->signals);
	if (a->netns >= 0)
		close(a->netns);
	sampler_free(a->sampler);
	if (a->root.fd >= 0)
		root_fini(&a->root);
	log_close();
	home_close(&a->home);
	timesrc_close(a->ts);
	a->ts = NULL;
}
