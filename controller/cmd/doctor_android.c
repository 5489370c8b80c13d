/* SPDX-License-Identifier: Apache-2.0 */
/* What Android phones on USB, and virtual ones, need of this host; see doctor.h. */
#include "cmd/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define RULE            "51-framefarm.rules"
#define ADB_SERVER_PORT 5037
/* usbfs buffers of all devices together; 40 phones with transfers of 256 KiB need 20 MiB and more. */
#define USBFS_MB_WANTED 64
#define FILE_BYTES      32768

/* The file's beginning as text; "" when it cannot be read. */
static void slurp(const char *path, char *dst, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(dst, 1, size - 1, f) : 0;

	dst[n] = '\0';
	if (f)
		fclose(f);
}

/* ---- permission on the phones' nodes ---- */

static bool rule_in(const char *dir, const char *name)
{
	char path[256], *text = malloc(FILE_BYTES);
	bool yes = false;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (text) {
		slurp(path, text, FILE_BYTES);
		yes = strstr(text, ":ff4201:") != NULL;
	}
	free(text);
	return yes;
}

/* Ours, or that of Debian's package android-sdk-platform-tools-common. */
static const char *find_rule(void)
{
	static const char *const dirs[] = {"/etc/udev/rules.d", "/run/udev/rules.d",
		"/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d"};
	static const char *const names[] = {RULE, "51-android.rules"};
	static char found[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (rule_in(dirs[i], names[k])) {
				snprintf(found, sizeof(found), "%s/%s", dirs[i], names[k]);
				return found;
			}
	return NULL;
}

static bool in_group(const char *name)
{
	const struct group *g = getgrnam(name);
	gid_t groups[256];
	int n = getgroups(256, groups);

	if (!g)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == g->gr_gid)
			return true;
	return getegid() == g->gr_gid;
}

void doctor_udev(struct doctor *d)
{
	const char *rule;

	if (access("/dev/bus/usb", F_OK)) {
		doctor_say(d, DOCTOR_OK, "",
			"this host has no USB to look at; phones come over the network (--adb)");
		return;
	}
	rule = find_rule();
	if (geteuid() == 0 && (rule || !doctor_unit())) {
		doctor_say(d, DOCTOR_OK, "", "root may open every phone on USB%s%s",
			rule ? ", and others by " : "", rule ? rule : "");
		return;
	}
	if (!rule)
		doctor_say(d, DOCTOR_WARN,
			"sudo install -D -m 644 etc/udev/" RULE " /etc/udev/rules.d/" RULE
			" && sudo udevadm "
			"control --reload && sudo udevadm trigger --subsystem-match=usb",
			"no udev rule gives phones on USB to anybody but root: they will need a "
			"person (\"no permission\")");
	else if (!in_group("plugdev"))
		doctor_say(d, DOCTOR_WARN, "sudo usermod -aG plugdev $USER, then log in again",
			"%s gives phones to the group plugdev, and this user is not in it; at the "
			"console of the host itself they are yours all the same",
			rule);
	else
		doctor_say(d, DOCTOR_OK, "", "phones on USB are this user's by %s", rule);
}

void doctor_usb_memory(struct doctor *d)
{
	char text[32];
	int64_t mb;

	slurp("/sys/module/usbcore/parameters/usbfs_memory_mb", text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	if (!str_to_i64(text, &mb))
		doctor_say(d, DOCTOR_OK, "", "usbfs is not here, so it has no limit to mind");
	else if (mb && mb < USBFS_MB_WANTED)
		doctor_say(d, DOCTOR_WARN,
			"echo 256 | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb; for "
			"good: usbcore.usbfs_memory_mb=256 on the kernel's command line",
			"all phones on USB share %lld MiB of buffers: enough for a few, not for a "
			"shelf",
			(long long)mb);
	else
		doctor_say(d, DOCTOR_OK, "", "usbfs has %s%s of buffers for all phones",
			mb ? text : "no limit", mb ? " MiB" : "");
}

/* ---- who else wants them ---- */

static bool somebody_listens(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0)
		return false;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	yes = !connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return yes;
}

void doctor_adb_server(struct doctor *d)
{
	if (!somebody_listens(ADB_SERVER_PORT)) {
		doctor_say(d, DOCTOR_OK, "", "no adb server runs that would take phones on USB");
		return;
	}
	doctor_say(d, DOCTOR_WARN,
		"end it where nobody needs it (adb kill-server), keep it off USB (ADB_USB=0), or "
		"use "
		"a phone of its through it: framefarm device connect server:SERIAL",
		"an adb server listens on 127.0.0.1:%d: it claims every phone on USB that is free, "
		"and one of the two tools does not get it",
		ADB_SERVER_PORT);
}

/* ---- virtual phones ---- */

/* In a child, since there is no way back. */
static int try_unshare(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (!pid)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) ? errno & 0x7f : 0);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

void doctor_user_namespaces(struct doctor *d)
{
	int rc = try_unshare();

	if (!rc)
		doctor_say(d, DOCTOR_OK, "", "virtual phones can have roots of their own");
	else
		doctor_say(d, DOCTOR_WARN,
			"sudo sysctl user.max_user_namespaces=15000 "
			"kernel.unprivileged_userns_clone=1; on Ubuntu also "
			"kernel.apparmor_restrict_unprivileged_userns=0",
			"user namespaces: %s: there can be no virtual phones", strerror(rc));
}
