/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel gives to protect the host from a model; see doctor.h. */
#include "cmd/doctor.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* landlock_create_ruleset(2) and its flag that asks for the version; not in Debian 12's headers for
 * every libc. */
#define SYS_LANDLOCK_CREATE_RULESET      444
#define LANDLOCK_CREATE_RULESET_VERSION_ 1u

void doctor_pidfd(struct doctor *d)
{
	long fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0) {
		doctor_say(d, DOCTOR_FAIL, "a kernel of Linux 5.3 or newer",
			"pidfd_open: %s: the daemon cannot watch its children", strerror(errno));
		return;
	}
	close((int)fd);
	doctor_say(d, DOCTOR_OK, "", "child processes can be watched (pidfd_open)");
}

void doctor_landlock(struct doctor *d)
{
	long version = syscall(
		SYS_LANDLOCK_CREATE_RULESET, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION_);

	if (version > 0)
		doctor_say(
			d, DOCTOR_OK, "", "version %ld: a runner sees only its own files", version);
	else
		doctor_say(d, DOCTOR_WARN,
			"a kernel of Linux 5.13 or newer with landlock in its lsm= list",
			"%s: a hostile model that breaks the runtime can read what the runner's "
			"user can",
			errno == EOPNOTSUPP ? "switched off in this kernel" : "not in this kernel");
}

void doctor_privileges(struct doctor *d)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0)
		doctor_say(d, DOCTOR_WARN, "a kernel of Linux 3.5 or newer",
			"%s: a runner could gain privileges through set-user-ID programs",
			strerror(errno));
	else
		doctor_say(d, DOCTOR_OK, "", "a runner can gain no privileges");
}

void doctor_namespaces(struct doctor *d)
{
	static const char *const kinds[] = {"net", "mnt", "pid", "user"};
	char path[64], missing[64] = "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		if (access(path, F_OK)) {
			strncat(missing, " ", sizeof(missing) - strlen(missing) - 1);
			strncat(missing, kinds[i], sizeof(missing) - strlen(missing) - 1);
		}
	}
	if (missing[0])
		doctor_say(d, DOCTOR_WARN, "a kernel with CONFIG_NAMESPACES",
			"this kernel lacks namespaces:%s; tests that need them are skipped",
			missing);
	else
		doctor_say(d, DOCTOR_OK, "", "net, mnt, pid and user");
}

void doctor_runner_user(struct doctor *d)
{
	if (geteuid() != 0)
		doctor_say(d, DOCTOR_WARN, "run the daemon as root (see etc/)",
			"a daemon that is not root runs models as its own user; Landlock, where "
			"the "
			"kernel has it, keeps them from its files");
	else if (getpwnam("framefarm-runner"))
		doctor_say(d, DOCTOR_OK, "", "models run as the user framefarm-runner");
	else
		doctor_say(d, DOCTOR_OK, "",
			"there is no user framefarm-runner; models run as a user id that nobody "
			"has");
}
