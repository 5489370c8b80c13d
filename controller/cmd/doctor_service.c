/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd service, where it is installed; see doctor.h. Each thing that stands between it and its work,
 * the first of which is told with what mends it. */
#include "cmd/doctor.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT    "framefarm.service"
#define USER    "framefarm"
#define GROUP   "plugdev"
#define CONF    "/etc/framefarm/framefarm.conf"
#define ENABLED "/etc/systemd/system/multi-user.target.wants/" UNIT

const char *doctor_unit(void)
{
	static const char *const dirs[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system"};
	static char path[128];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/" UNIT, dirs[i]);
		if (!access(path, F_OK))
			return path;
	}
	return NULL;
}

static bool is_member(const struct passwd *pw, const char *group)
{
	const struct group *g = getgrnam(group);

	if (!g)
		return false;
	for (char **m = g->gr_mem; *m; m++)
		if (!strcmp(*m, pw->pw_name))
			return true;
	return pw->pw_gid == g->gr_gid;
}

/* Who runs a daemon without being root and without the unit. */
static void say_session(struct doctor *d)
{
	const struct passwd *pw = getpwuid(geteuid());
	char path[128], fix[96];

	if (geteuid() == 0 || !pw || access("/run/systemd/system", F_OK)) {
		doctor_say(d, DOCTOR_OK, "",
			"no service is installed; `make install` brings one for systemd");
		return;
	}
	snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s", pw->pw_name);
	snprintf(fix, sizeof(fix),
		"loginctl enable-linger %s, or `sudo make install` for a service", pw->pw_name);
	if (access(path, F_OK))
		doctor_say(d, DOCTOR_WARN, fix,
			"no service is installed, and what %s leaves running may end when they log "
			"out",
			pw->pw_name);
	else
		doctor_say(d, DOCTOR_OK, "",
			"no service is installed; what %s leaves running stays (linger)",
			pw->pw_name);
}

/* A daemon that root started here once leaves files that the service cannot write. */
static bool check_owner(struct doctor *d, const struct passwd *pw)
{
	static const char *const names[] = {
		"", "/admin.token", "/control.db", "/samples.db", "/lock"};
	char path[PATHS_MAX];
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", pw->pw_dir, names[i]);
		if (stat(path, &st) || st.st_uid == pw->pw_uid)
			continue;
		doctor_say(d, DOCTOR_FAIL,
			"sudo systemctl stop framefarm; sudo chown -R " USER
			": /var/lib/framefarm; "
			"sudo systemctl start framefarm",
			"%s belongs to user %u, and the service runs as " USER, path, st.st_uid);
		return false;
	}
	return true;
}

void doctor_service(struct doctor *d)
{
	const char *unit = doctor_unit();
	const struct passwd *pw = unit ? getpwnam(USER) : NULL;

	if (!unit)
		say_session(d);
	else if (!pw)
		doctor_say(d, DOCTOR_FAIL, "sudo systemd-sysusers",
			"%s is installed, and there is no user " USER " that it could run as",
			unit);
	else if (access(CONF, F_OK))
		doctor_say(d, DOCTOR_FAIL,
			"sudo mkdir -p /etc/framefarm; framefarm help --config | sudo tee " CONF,
			"the service does not start without " CONF);
	else if (!check_owner(d, pw))
		return;
	else if (!is_member(pw, GROUP))
		doctor_say(d, DOCTOR_WARN, "sudo usermod -aG " GROUP " " USER,
			"the user " USER " is not in the group " GROUP
			", to which phones on USB are given");
	else if (access(ENABLED, F_OK))
		doctor_say(d, DOCTOR_WARN, "sudo systemctl enable --now framefarm",
			"%s is installed, and is not started with this host", unit);
	else
		doctor_say(
			d, DOCTOR_OK, "", "%s runs as " USER ", and starts with this host", unit);
}
