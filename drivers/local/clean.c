/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLEAN: what runs left behind, on the pool. Pushed files that the caller does not keep, unfinished
 * pushes, and everything in scratch/; with `all` also what the agent and this driver know. Never
 * the spool: what is in it was measured and is nowhere else, and the agent empties it itself.
 *
 * scratch/ is a runner's, and a runner is a stranger: names are resolved one at a time and links
 * never followed, and a tree may be deeper than a path or our descriptors allow. What lies too deep
 * is moved up to the top and removed from there.
 */
#include "drivers/local/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define DEPTH_MAX  32
#define ROUNDS_MAX 100000 /* each moves at least one directory up */

struct sweep {
	struct local_op *lo;
	int top; /* where what lies too deep is moved to */
	unsigned n_moved;
	bool again;  /* something was moved up */
	bool pushed; /* these are the pushed files, of which some are kept */
	int64_t freed;
	struct err *e;
};

static int remove_dir(struct sweep *s, int parent, const char *name, int depth);

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int remove_entry(struct sweep *s, int dir, const char *name, int depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(s->e, errno, "cannot look at %s", name);
	if (S_ISDIR(st.st_mode))
		return remove_dir(s, dir, name, depth);
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_errno(s->e, errno, "cannot remove %s", name);
	if (st.st_nlink == 1)
		s->freed += st.st_blocks * 512;
	return 0;
}

static bool is_kept(const struct driver_op *op, const char *name)
{
	const char *const *keep = op->in.clean.keep;

	if (op->in.clean.all || !str_is_sha256(name))
		return false;
	for (; keep && *keep; keep++)
		if (!strcmp(*keep, name))
			return true;
	return false;
}

/* Calls remove_entry() for what is in `fd`, which it takes. */
static int remove_contents(struct sweep *s, int fd, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *de;
	int rc = 0;

	if (!d) {
		rc = err_errno(s->e, errno, "cannot read a directory");
		close(fd);
		return rc;
	}
	while (!rc && (de = readdir(d))) {
		if (is_dots(de->d_name) || (s->pushed && !depth && is_kept(s->lo->op, de->d_name)))
			continue;
		rc = remove_entry(s, dirfd(d), de->d_name, depth);
		if (!rc)
			rc = local_op_stopped(s->lo, s->e);
	}
	closedir(d);
	return rc;
}

static int move_up(struct sweep *s, int parent, const char *name)
{
	char moved[32];

	do {
		snprintf(moved, sizeof(moved), ".deep-%u", s->n_moved++);
	} while (faccessat(s->top, moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	if (renameat(parent, name, s->top, moved) < 0)
		return err_errno(s->e, errno, "cannot move %s", name);
	s->again = true;
	return 0;
}

static int remove_dir(struct sweep *s, int parent, const char *name, int depth)
{
	int fd, rc;

	if (depth >= DEPTH_MAX)
		return move_up(s, parent, name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES &&
		!fchmodat(parent, name, 0700, 0)) /* of another mode by a runner of our user */
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(s->e, errno, "cannot open %s", name);
	rc = remove_contents(s, fd, depth + 1);
	if (!rc && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = err_errno(s->e, errno, "cannot remove %s", name);
	return rc;
}

/* Everything in workdir/name, but not that directory itself. */
static int empty_dir(struct sweep *s, int workdir, const char *name)
{
	int rc = 0;

	s->top = openat(workdir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->top < 0)
		return errno == ENOENT ? 0 : err_errno(s->e, errno, "cannot open %s", name);
	for (int round = 0; !rc; round++) {
		int fd = openat(s->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		s->again = false;
		rc = fd < 0 ? err_errno(s->e, errno, "cannot open %s", name)
		            : remove_contents(s, fd, 0);
		if (!rc && !s->again)
			break;
		if (!rc && round == ROUNDS_MAX)
			rc = err_set(s->e, ERR_TOOBIG, "%s is too deep a tree", name);
	}
	close(s->top);
	return rc;
}

/* What is in the working directory itself: the agent's papers, but not its spool. */
static int clean_agent(struct sweep *s, int workdir)
{
	static const char *const papers[] = {"agent.pid", "agent.log", "agent.log.1", "agent.sock",
		"agent.secret", "uuid", "epochs"};
	int pidfd = local_agent_pidfd(s->lo->l), rc = 0;

	if (pidfd >= 0) {
		close(pidfd);
		return err_set(s->e, ERR_BUSY, "the agent is running: stop it first");
	}
	for (size_t i = 0; !rc && i < sizeof(papers) / sizeof(papers[0]); i++)
		rc = remove_entry(s, workdir, papers[i], 0);
	return rc;
}

int local_clean_check(const struct local *l, const struct driver_op *op, struct err *e)
{
	(void)op;
	if (l->n_of[DRIVER_OP_PUSH] || l->n_of[DRIVER_OP_START])
		return err_set(e, ERR_BUSY, "files are being pushed to the local device");
	return 0;
}

int local_clean(struct local_op *lo, struct err *e)
{
	struct sweep s = {.lo = lo, .e = e};
	int rc = 0, workdir = open(lo->l->workdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	lo->blame = true;
	if (workdir < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "%s", lo->l->workdir);
	if (lo->op->in.clean.all)
		rc = clean_agent(&s, workdir);
	if (!rc)
		rc = empty_dir(&s, workdir, "scratch");
	s.pushed = true;
	if (!rc)
		rc = empty_dir(&s, workdir, "files");
	close(workdir);
	if (!rc)
		lo->op->result.clean.freed_bytes = s.freed;
	return rc;
}
