/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's /data of a given size; see volume.h. */
#include "drivers/virtual/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "drivers/virtual/files.h"

#define PATH_BYTES 4096

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* Everybody stays who they are: one user, one group. */
static int write_maps(unsigned uid, unsigned gid)
{
	char text[64];

	if (write_text("/proc/self/setgroups", "deny"))
		return -1;
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (write_text("/proc/self/uid_map", text))
		return -1;
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return write_text("/proc/self/gid_map", text);
}

int volume_begin(struct err *e)
{
	unsigned uid = geteuid(), gid = getegid();

	/* Who has changed its user does not own its own /proc until then. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || write_maps(uid, gid) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_errno(e, errno,
			"the kernel refuses the name spaces that storage of a given size needs");
	return 0;
}

int volume_add(const char *dir, int64_t mb, struct err *e)
{
	char path[PATH_BYTES], options[64];
	int rc;

	snprintf(path, sizeof(path), "%s/root/data", dir);
	snprintf(options, sizeof(options), "mode=771,size=%" PRId64 "m", mb);
	rc = files_mkdirs(path);
	if (!rc && mount("data", path, "tmpfs", MS_NOSUID | MS_NODEV, options))
		rc = errno;
	return rc ? err_errno(e, rc, "cannot make storage of %" PRId64 " MB at %s", mb, path) : 0;
}

int volume_end(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (syscall(SYS_capset, &head, none))
		return err_errno(e, errno, "cannot give rights back");
	return 0;
}
