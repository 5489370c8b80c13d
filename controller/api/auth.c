/* SPDX-License-Identifier: Apache-2.0 */
/* Token and sessions; see auth.h. */
#include "api/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/bounds.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define TOKEN_PREFIX "ff_" /* so that scanners for leaked secrets can know ours */
#define TOKEN_BYTES  32
#define TOKEN_MIN    (sizeof(TOKEN_PREFIX) - 1 + 32) /* 128 bits */
#define PATH_BYTES   4096

struct session {
	bool used;
	char hash[LIMIT_SHA256]; /* of its value, which only the browser knows */
	struct principal who;
	int64_t until_ms;
};

struct auth {
	char hash[LIMIT_SHA256]; /* of the admin token */
	struct session sessions[API_SESSIONS];
};

const char *role_name(enum role r)
{
	static const char *const names[] = {"none", "viewer", "ci", "engineer", "admin"};

	return r <= ROLE_ADMIN ? names[r] : "none";
}

/* ---- the token file ---- */

/* The compiler may not drop this, as it may memset() on memory that is not read again. */
static void wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		text += done;
		n -= done;
	}
	return 0;
}

/* Written beside and renamed, so that a crash never leaves half a token under its name. */
static int make_token(const char *dir, const char *path, char *token, size_t size, struct err *e)
{
	char tmp[PATH_BYTES], line[AUTH_TOKEN_MAX];
	uint8_t secret[TOKEN_BYTES];
	int fd, dir_fd, n, rc = 0;

	hash_random(secret, sizeof(secret));
	n = snprintf(token, size, "%s", TOKEN_PREFIX);
	str_hex(token + n, secret, sizeof(secret));
	wipe(secret, sizeof(secret));
	n = snprintf(line, sizeof(line), "%s\n", token);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot make the token file %s", tmp);
	if (write_all(fd, line, n) || fsync(fd) || rename(tmp, path))
		rc = err_errno(e, errno, "cannot write the token file %s", path);
	close(fd);
	wipe(line, sizeof(line));
	if (rc) {
		unlink(tmp);
		return rc;
	}
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd >= 0) {
		fsync(dir_fd);
		close(dir_fd);
	}
	log_info("event=token_made path=\"%s\"", path);
	return 0;
}

static int check_mode(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(e, errno, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(e, ERR_PERM,
			"others may read the token file %s: make it yours alone (chmod 600), or "
			"delete it for a new token",
			path);
	return 0;
}

static int read_token(int fd, const char *path, char *token, size_t size, struct err *e)
{
	ssize_t n;
	int rc;

	rc = check_mode(fd, path, e);
	if (rc)
		return rc;
	n = read(fd, token, size - 1);
	if (n < 0)
		return err_errno(e, errno, "cannot read the token file %s", path);
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	if (strncmp(token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1) || strlen(token) < TOKEN_MIN ||
		strspn(token, "ff_0123456789abcdef") != strlen(token))
		return err_set(e, ERR_PARSE,
			"%s holds no token; delete it, and the next start makes a new one", path);
	return 0;
}

struct auth *auth_new(const char *data_dir, struct err *e)
{
	struct auth *a = mem_zalloc(sizeof(*a));
	char path[PATH_BYTES - 8], token[AUTH_TOKEN_MAX] = "";
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", data_dir, AUTH_TOKEN_FILE);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		rc = read_token(fd, path, token, sizeof(token), e);
		close(fd);
	} else if (errno == ENOENT) {
		rc = make_token(data_dir, path, token, sizeof(token), e);
	} else if (errno == ELOOP) {
		rc = err_set(e, ERR_PERM,
			"the token file %s is a link, which another user may have laid: delete it "
			"for a new token",
			path);
	} else {
		rc = err_errno(e, errno, "cannot open the token file %s", path);
	}
	if (!rc)
		hash_bytes(token, strlen(token), a->hash);
	wipe(token, sizeof(token));
	if (!rc)
		return a;
	mem_free(a);
	return NULL;
}

void auth_free(struct auth *a)
{
	mem_free(a);
}

bool auth_token(const struct auth *a, const char *token, struct principal *ret_who)
{
	char hash[LIMIT_SHA256];

	if (!*token || strlen(token) >= AUTH_TOKEN_MAX)
		return false;
	hash_bytes(token, strlen(token), hash);
	if (!hash_equal(hash, a->hash, sizeof(hash)))
		return false;
	*ret_who = (struct principal){.role = ROLE_ADMIN, .actor = "admin"};
	return true;
}

/* ---- sessions ---- */

void auth_session_new(
	struct auth *a, const struct principal *who, int64_t now_ms, char ret_value[AUTH_SESSION])
{
	struct session *s = &a->sessions[0];
	uint8_t secret[(AUTH_SESSION - 1) / 2];

	for (int i = 0; i < API_SESSIONS && s->used; i++)
		if (!a->sessions[i].used || a->sessions[i].until_ms < s->until_ms)
			s = &a->sessions[i];
	hash_random(secret, sizeof(secret));
	str_hex(ret_value, secret, sizeof(secret));
	*s = (struct session){.used = true, .who = *who, .until_ms = now_ms + API_SESSION_MS};
	s->who.by_cookie = true;
	hash_bytes(ret_value, AUTH_SESSION - 1, s->hash);
}

static struct session *find(struct auth *a, const char *value)
{
	char hash[LIMIT_SHA256];

	if (strlen(value) != AUTH_SESSION - 1)
		return NULL;
	hash_bytes(value, AUTH_SESSION - 1, hash);
	for (int i = 0; i < API_SESSIONS; i++)
		if (a->sessions[i].used && hash_equal(hash, a->sessions[i].hash, sizeof(hash)))
			return &a->sessions[i];
	return NULL;
}

bool auth_session(struct auth *a, const char *value, int64_t now_ms, struct principal *ret_who)
{
	struct session *s = find(a, value);

	if (s && s->until_ms <= now_ms)
		s->used = false;
	if (!s || !s->used)
		return false;
	*ret_who = s->who;
	return true;
}

void auth_session_del(struct auth *a, const char *value)
{
	struct session *s = find(a, value);

	if (s)
		s->used = false;
}
