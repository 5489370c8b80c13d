/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory and the daemon; see doctor.h. */
#include "cmd/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cmd/datadir.h"
#include "cmd/units.h"

#define DEFAULT_PORT 8765 /* of PATHS_DEFAULT_URL */
#define DISK_FAIL    (256LL << 20)
#define DISK_WARN    (2LL << 30)
#define OTHERS       (S_IRWXG | S_IRWXO)

static void check_token(struct doctor *d)
{
	char path[PATHS_MAX], fix[PATHS_MAX + 32];
	struct stat st;

	if (!paths_join(path, d->data, PATHS_TOKEN_FILE) || stat(path, &st))
		return;
	snprintf(fix, sizeof(fix), "chmod 600 '%s'", path);
	if (st.st_mode & OTHERS)
		doctor_say(d, DOCTOR_FAIL, fix, "%s can be read by others: mode %o", path,
			st.st_mode & 07777u);
}

/* Its own user alone: what root may write says nothing of the daemon's. */
static bool say_unwritable(struct doctor *d)
{
	char part[32], fix[PATHS_MAX + 64];
	int errnum = datadir_unwritable(d->data, part, sizeof(part));

	if (!errnum)
		return false;
	if (errnum == EROFS)
		snprintf(fix, sizeof(fix),
			"mount -o remount,rw \"$(findmnt -n -o TARGET -T '%s')\"", d->data);
	else
		snprintf(fix, sizeof(fix), "sudo chown -R %u '%s'", (unsigned)geteuid(), d->data);
	doctor_say(d, DOCTOR_FAIL, fix, "%s%s%s cannot be written: %s", d->data, *part ? "/" : "",
		part, strerror(errnum));
	return true;
}

void doctor_data(struct doctor *d)
{
	char fix[PATHS_MAX + 64];
	struct stat st;

	if (stat(d->data, &st)) {
		if (errno == ENOENT)
			doctor_say(d, DOCTOR_OK, "", "%s is not there yet; the daemon makes it",
				d->data);
		else
			doctor_say(d, DOCTOR_FAIL, "set FRAMEFARM_DATA, or give --data", "%s: %s",
				d->data, strerror(errno));
		return;
	}
	snprintf(fix, sizeof(fix), "chmod 700 '%s'", d->data);
	if (!S_ISDIR(st.st_mode))
		doctor_say(d, DOCTOR_FAIL, "set FRAMEFARM_DATA, or give --data",
			"%s is no directory", d->data);
	else if (geteuid() == 0 && st.st_uid && !(st.st_mode & OTHERS))
		doctor_say(d, DOCTOR_OK, "", "%s, of user %u, as which its daemon runs", d->data,
			st.st_uid);
	else if (st.st_uid != geteuid())
		doctor_say(d, DOCTOR_WARN, "", "%s belongs to user %u: its daemon runs as that one",
			d->data, st.st_uid);
	else if (st.st_mode & OTHERS)
		doctor_say(d, DOCTOR_FAIL, fix, "%s is open to others: mode %o", d->data,
			st.st_mode & 07777u);
	else if (!say_unwritable(d))
		doctor_say(d, DOCTOR_OK, "", "%s", d->data);
	check_token(d);
}

/* The nearest directory above path that exists. */
static void existing(const char *path, char dst[PATHS_MAX])
{
	char *slash;

	str_copy(dst, PATHS_MAX, path);
	while (access(dst, F_OK) && (slash = strrchr(dst, '/'))) {
		if (slash == dst) {
			dst[1] = '\0';
			return;
		}
		*slash = '\0';
	}
	if (access(dst, F_OK))
		str_copy(dst, PATHS_MAX, ".");
}

void doctor_disk(struct doctor *d)
{
	char dir[PATHS_MAX], free_text[UNITS_TEXT];
	struct statvfs fs;
	int64_t bytes;

	existing(d->data, dir);
	if (statvfs(dir, &fs)) {
		doctor_say(d, DOCTOR_WARN, "", "%s: %s", dir, strerror(errno));
		return;
	}
	bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	units_bytes(free_text, bytes);
	if (bytes < DISK_FAIL)
		doctor_say(d, DOCTOR_FAIL, "make room, or put the data elsewhere with --data",
			"%s free at %s: results could not be kept", free_text, dir);
	else if (bytes < DISK_WARN)
		doctor_say(d, DOCTOR_WARN, "make room, or put the data elsewhere with --data",
			"%s free at %s: a few models fill that", free_text, dir);
	else
		doctor_say(d, DOCTOR_OK, "", "%s free at %s", free_text, dir);
}

/* ---- the daemon ---- */

static int try_bind(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(DEFAULT_PORT)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd < 0)
		return errno;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	rc = bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
	close(fd);
	return rc;
}

static void no_daemon(struct doctor *d, const char *url, const char *why)
{
	int rc = try_bind();

	if (rc == EADDRINUSE)
		doctor_say(d, DOCTOR_FAIL,
			"see who it is with `ss -ltnp 'sport = :8765'`, or listen elsewhere: "
			"framefarm "
			"serve --listen 127.0.0.1:0",
			"no daemon answers at %s (%s), and port %d is taken by another program",
			url, why, DEFAULT_PORT);
	else if (rc)
		doctor_say(d, DOCTOR_FAIL, "",
			"no daemon answers at %s, and port %d cannot be had: %s", url, DEFAULT_PORT,
			strerror(rc));
	else
		doctor_say(d, DOCTOR_WARN, "framefarm serve --local",
			"no daemon runs at %s; port %d is free", url, DEFAULT_PORT);
}

/* The version in "info" of /openapi.json, which only a client with a token may read. */
static void say_version(struct doctor *d, struct client *c)
{
	char version[64] = "";
	struct json_doc *doc;
	struct err e = {0};
	const char *text;

	if (client_get(c, "/openapi.json", 0, &doc, &e)) {
		doctor_say(d, DOCTOR_WARN,
			"FRAMEFARM_TOKEN, --token-file, or --data with the daemon's data directory",
			"a daemon answers at %s, but not to us: %s", client_url(c), e.text);
		return;
	}
	text = json_str(json_get(json_get(json_root(doc), "info"), "version"));
	str_copy_clean(version, sizeof(version), text, strlen(text));
	json_doc_free(doc);
	doctor_say(d, DOCTOR_OK, "",
		"a daemon answers at %s, API %s; this is framefarm " FRAMEFARM_VERSION,
		client_url(c), version[0] ? version : "of unknown version");
}

void doctor_daemon(struct doctor *d)
{
	struct client_request live = {.path = "/healthz", .once = true, .timeout_ms = 5000};
	struct client_request ready = {.path = "/readyz", .once = true, .timeout_ms = 5000};
	struct client_options o = *d->client;
	struct client *c = NULL;
	struct fetch_reply r;
	struct err e = {0};

	str_copy(o.data, sizeof(o.data), d->data);
	if (client_new(&o, &c, &e)) {
		doctor_say(d, DOCTOR_FAIL, "look at --url, FRAMEFARM_URL and FRAMEFARM_TOKEN", "%s",
			e.text);
		return;
	}
	client_set_retry(c, 0);
	fetch_reply_init(&r);
	if (client_send(c, &live, &r, &e))
		no_daemon(d, client_url(c), e.text);
	else if (client_send(c, &ready, &r, &e))
		doctor_say(d, DOCTOR_FAIL, "its log says why", "%s", e.text);
	else {
		say_version(d, c);
		doctor_store(d, c);
	}
	fetch_reply_fini(&r);
	client_free(c);
}
