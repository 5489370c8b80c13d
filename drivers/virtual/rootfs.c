/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's root; see rootfs.h. */
#include "drivers/virtual/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x1
#endif
#ifndef MOUNT_ATTR_NOEXEC
#define MOUNT_ATTR_NOEXEC 0x8
#endif
#define RECURSIVE 0x8000 /* AT_RECURSIVE */

struct attr_v0 {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

static int fail(struct err *e, const char *what, const char *path)
{
	return err_errno(e, errno, "a phone's root needs %s %s", what, path);
}

/* ---- mounts ---- */

/* mount_setattr() is of Linux 5.12; before it, what was locked by the host's mount must be asked for
 * again. */
static int restrict_mount(const char *path, bool noexec)
{
	struct attr_v0 attr = {.attr_set = noexec ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_RDONLY};
	unsigned long flags = MS_REMOUNT | MS_BIND | (noexec ? MS_NOEXEC : MS_RDONLY);
	struct statvfs st;

	if (!syscall(SYS_mount_setattr, AT_FDCWD, path, RECURSIVE, &attr, sizeof(attr)))
		return 0;
	if (errno != ENOSYS || statvfs(path, &st))
		return -1;
	flags |= st.f_flag & ST_NOSUID ? MS_NOSUID : 0;
	flags |= st.f_flag & ST_NODEV ? MS_NODEV : 0;
	flags |= st.f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
	flags |= st.f_flag & ST_NOATIME ? MS_NOATIME : 0;
	flags |= st.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	return mount(NULL, path, NULL, flags, NULL);
}

static int bind(const char *from, const char *to, bool read_only)
{
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL))
		return -1;
	return read_only ? restrict_mount(to, false) : 0;
}

static int touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* ---- what comes from the host ---- */

/* The host's programs and libraries, read-only; merged-usr links stay links. */
static int share(const char *name, struct err *e)
{
	char host[32], here[32], target[PATH_MAX];
	struct stat st;
	ssize_t n;

	snprintf(host, sizeof(host), "/%s", name);
	snprintf(here, sizeof(here), "%s", name);
	if (lstat(host, &st))
		return 0;
	if (S_ISLNK(st.st_mode)) {
		n = readlink(host, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		return symlink(target, here) && errno != EEXIST ? fail(e, "a link", here) : 0;
	}
	if (mkdir(here, 0755) && errno != EEXIST)
		return fail(e, "a directory", here);
	return bind(host, here, true) ? fail(e, "the host's", host) : 0;
}

static int share_all(struct err *e)
{
	static const char *const names[] = {
		"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"};
	static const char *const etc[] = {"ld.so.cache", "alternatives"};
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc; i++)
		rc = share(names[i], e);
	for (size_t i = 0; i < sizeof(etc) / sizeof(etc[0]) && !rc; i++) {
		char host[64], here[64];
		struct stat st;

		snprintf(host, sizeof(host), "/etc/%s", etc[i]);
		snprintf(here, sizeof(here), "etc/%s", etc[i]);
		if (stat(host, &st))
			continue;
		if (S_ISDIR(st.st_mode) ? mkdir(here, 0755) && errno != EEXIST : touch(here))
			return fail(e, "a file", here);
		if (bind(host, here, true))
			return fail(e, "the host's", host);
	}
	return rc;
}

/* ---- dev, proc, sys ---- */

static int make_dev(struct err *e)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
		{"/proc/self/fd/0", "dev/stdin"}, {"/proc/self/fd/1", "dev/stdout"},
		{"/proc/self/fd/2", "dev/stderr"}, {"pts/ptmx", "dev/ptmx"}};

	if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m"))
		return fail(e, "a tmpfs at", "/dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		char host[32], here[32];

		snprintf(host, sizeof(host), "/dev/%s", nodes[i]);
		snprintf(here, sizeof(here), "dev/%s", nodes[i]);
		if (touch(here) || mount(host, here, NULL, MS_BIND, NULL))
			return fail(e, "the host's", host);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]))
			return fail(e, "a link", links[i][1]);
	if (mkdir("dev/pts", 0755) || mkdir("dev/shm", 0777) || mkdir("dev/socket", 0755))
		return fail(e, "a directory below", "/dev");
	if (mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620"))
		return fail(e, "a devpts at", "/dev/pts");
	return 0;
}

/* What root may write or read there. A phone that root starts without giving up its rights has the
 * kernel's root as its shell, though without any capability. */
static int close_proc(struct err *e)
{
	static const char *const shut[] = {"proc/sys", "proc/irq", "proc/bus", "proc/fs"};
	static const char *const hidden[] = {
		"proc/sysrq-trigger", "proc/kcore", "proc/keys", "proc/timer_list"};

	for (size_t i = 0; i < sizeof(shut) / sizeof(shut[0]); i++)
		if (!access(shut[i], F_OK) && bind(shut[i], shut[i], true))
			return fail(e, "to close", shut[i]);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!access(hidden[i], F_OK) && bind("dev/null", hidden[i], false))
			return fail(e, "to hide", hidden[i]);
	return 0;
}

static int make_proc(struct err *e)
{
	static const char *const files[] = {"cpuinfo", "meminfo", "version"};

	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return err_errno(e, errno,
			"a phone's root needs its own /proc, which the kernel gives only where the "
			"host's "
			"is not covered in places (as in a container; start that one with "
			"--security-opt systempaths=unconfined)");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char from[PATH_MAX], to[64];

		snprintf(from, sizeof(from), "../proc/%s", files[i]);
		snprintf(to, sizeof(to), "proc/%s", files[i]);
		if (!access(from, F_OK) && bind(from, to, true))
			return fail(e, "its own", to);
	}
	if (bind("sys", "sys", true) || bind("system", "system", true))
		return fail(e, "its own", "/sys and /system");
	return close_proc(e);
}

/* ---- data ---- */

/* As some vendors mount it. */
static int close_tmp(struct err *e)
{
	static const char tmp[] = "data/local/tmp";

	return bind(tmp, tmp, false) || restrict_mount(tmp, true) ? fail(e, "to close", tmp) : 0;
}

/* ---- the whole ---- */

int rootfs_enter(const struct rootfs *r, struct err *e)
{
	char root[PATH_MAX];
	int rc;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fail(e, "mounts of its own for", "/");
	snprintf(root, sizeof(root), "%s/root", r->dir);
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) || chdir(root))
		return fail(e, "its directory", root);
	rc = share_all(e);
	if (!rc)
		rc = make_dev(e);
	if (!rc)
		rc = make_proc(e);
	if (!rc && r->noexec)
		rc = close_tmp(e);
	if (rc)
		return rc;
	if (sethostname(r->name, strlen(r->name)))
		return fail(e, "a host name", r->name);
	if (chmod(".", 0555)) /* as a phone's, which is a read-only image */
		return fail(e, "rights for", "/");
	/* pivot_root(2): with both the same directory, the old root lies on top and is taken off. */
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return fail(e, "to become", "/");
	return 0;
}
