/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be known of an agent in the working directory: whether it lives, where it listens, which
 * secret it shares with us, which user its runners get. On the pool.
 *
 * The agent holds a flock() on agent.pid for as long as it lives, and wrote its pid there. So the
 * lock, not the number, says that it lives; the number is believed only while the lock is held, and
 * the process is then held by a pidfd, so that no signal reaches a later process of that number.
 */
#include "drivers/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"

/* Users that systemd hands out for a while, systemd.io/UIDS-GIDS: nobody's for good. */
#define UID_FIRST 61184
#define UID_LAST  65519

#define LOOKS 8 /* at a pid file that changes under our eyes */

/* ---- alive? ---- */

static bool is_locked(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

static int read_pid(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return atoi(text);
}

int local_agent_pidfd(const struct local *l)
{
	char path[DRIVER_PATH_MAX];
	int fd, pidfd = -1;

	if (local_path(path, l->workdir, "agent.pid", NULL))
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	for (int look = 0; fd >= 0 && look < LOOKS && is_locked(fd); look++) {
		int pid = read_pid(fd);

		pidfd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
		/* Who held the lock before and after, under the same number, is that process. */
		if (pidfd >= 0 && is_locked(fd) && read_pid(fd) == pid)
			break;
		if (pidfd >= 0)
			close(pidfd);
		pidfd = -1;
	}
	if (fd >= 0)
		close(fd);
	return pidfd;
}

/* ---- where it listens ---- */

/* A Unix socket's path is short (107 bytes), a data directory's need not be: then the socket goes
 * into a private directory elsewhere, named after this one, so that every start finds it again. */
int local_agent_endpoint(const struct local *l, char *dst, size_t size, struct err *e)
{
	char path[DRIVER_PATH_MAX], name[64], hex[LIMIT_SHA256];
	int rc = local_path(path, l->workdir, "agent.sock", e);

	if (!rc && strlen(path) > LOCAL_SOCKET_MAX) {
		hash_bytes(l->dir, strlen(l->dir), hex);
		snprintf(name, sizeof(name), "framefarm-%.16s", hex);
		rc = local_path(path, l->cfg.socket_dir, name, e);
		if (!rc && strlen(path) + strlen("/agent.sock") > LOCAL_SOCKET_MAX)
			rc = err_set(e, ERR_TOOBIG,
				"both %s and socket_dir %s are too long for a Unix socket (%d "
				"bytes): choose a shorter socket_dir",
				l->workdir, l->cfg.socket_dir, LOCAL_SOCKET_MAX);
		if (!rc)
			rc = local_private_dir(path, e);
		if (!rc)
			strcat(path, "/agent.sock");
	}
	if (!rc && snprintf(dst, size, "unix:%s", path) >= (int)size)
		rc = err_set(e, ERR_TOOBIG, "the endpoint unix:%s is too long", path);
	return rc;
}

int local_agent_secret_path(const struct local *l, char dst[DRIVER_PATH_MAX], struct err *e)
{
	return local_path(dst, l->workdir, "agent.secret", e);
}

/* ---- the runners' user ---- */

static bool is_taken(uint32_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	return !getpwuid_r(uid, &pw, buf, sizeof(buf), &found) && found;
}

/* A free user of the range, the same one each time: begun at a number that hangs on the directory,
 * and kept in a file. */
static int pick_uid(const struct local *l, uint32_t *ret_uid, struct err *e)
{
	char path[DRIVER_PATH_MAX], text[24], hex[LIMIT_SHA256];
	uint32_t span = UID_LAST - UID_FIRST + 1, uid;
	int rc = local_path(path, l->dir, "runner.uid", e);

	if (rc)
		return rc;
	local_read_text(path, text, sizeof(text));
	uid = strtoul(text, NULL, 10);
	if (uid >= UID_FIRST && uid <= UID_LAST && !is_taken(uid)) {
		*ret_uid = uid;
		return 0;
	}
	hash_bytes(l->dir, strlen(l->dir), hex);
	hex[8] = '\0';
	uid = strtoul(hex, NULL, 16) % span;
	for (uint32_t i = 0; i < span; i++) {
		*ret_uid = UID_FIRST + (uid + i) % span;
		if (is_taken(*ret_uid))
			continue;
		snprintf(text, sizeof(text), "%u\n", *ret_uid);
		return local_write_file(path, text, strlen(text), e);
	}
	return err_set(e, ERR_NOTFOUND, "every user id from %d to %d is taken: make a user %s",
		UID_FIRST, UID_LAST, l->cfg.runner_user);
}

int local_runner_uid(const struct local *l, uint32_t *ret_uid, struct err *e)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	*ret_uid = 0;
	if (geteuid() != 0)
		return 0;
	if (!getpwnam_r(l->cfg.runner_user, &pw, buf, sizeof(buf), &found) && found &&
		pw.pw_uid != 0) {
		*ret_uid = pw.pw_uid;
		return 0;
	}
	return pick_uid(l, ret_uid, e);
}
