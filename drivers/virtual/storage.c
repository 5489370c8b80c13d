/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's storage; see storage.h. */
#include "drivers/virtual/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "drivers/virtual/files.h"
#include "drivers/virtual/tool.h"

#define PATH_BYTES 4096

static const struct {
	const char *path;
	mode_t mode;
} dirs[] = {
	{"proc", 0755},
	{"root/data/local/tmp", 0771},
	{"root/data/system/dump", 0755},
	{"root/data/app", 0771},
	{"root/data/tombstones", 0755},
	{"root/storage/emulated/0/Download", 0755},
	{"root/storage/emulated/0/DCIM", 0755},
	{"root/system/bin", 0755},
	{"root/system/etc", 0755},
	{"root/vendor/bin", 0755},
	{"root/mnt", 0755},
	{"root/proc", 0755},
	{"root/sys", 0755},
	{"root/dev", 0755},
	{"root/etc", 0755},
};

static const struct {
	const char *target, *path;
} links[] = {
	{"/storage/emulated/0", "root/sdcard"},
	{"/bin/sh", "root/system/bin/sh"},
};

static const struct {
	const char *path, *text;
} texts[] = {
	{"root/etc/passwd", "root:x:0:0::/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n"
			    "nobody:x:65534:65534::/:/system/bin/sh\n"},
	{"root/etc/group", "root:x:0:\nshell:x:2000:\nnogroup:x:65534:\n"},
	{"root/etc/hosts", "127.0.0.1 localhost\n"},
};

static const char *const forgotten[] = {"root/data/system/set.prop", "root/data/system/battery.set",
	"root/data/system/thermal.set"};

struct where {
	const char *dir;
	char path[PATH_BYTES];
};

static const char *join(struct where *w, const char *path)
{
	snprintf(w->path, sizeof(w->path), "%s/%s", w->dir, path);
	return w->path;
}

static int make_link(struct where *w, const char *target, const char *path)
{
	join(w, path);
	unlink(w->path);
	return symlink(target, w->path) ? errno : 0;
}

struct linking {
	struct where *w;
	int rc;
};

static void link_tool(void *arg, const char *name)
{
	struct linking *l = arg;
	char path[128];

	snprintf(path, sizeof(path), "root/system/bin/%s", name);
	if (!l->rc)
		l->rc = make_link(l->w, "framefarm-tool", path);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t n = strlen(text);
	int rc;

	if (fd < 0)
		return errno;
	rc = write(fd, text, n) == (ssize_t)n ? 0 : EIO;
	close(fd);
	return rc;
}

/* This very program is the phone's getprop, pm, logcat… (tool.h): a copy, since the directory that it
 * is in may be closed to the phone. */
static int copy_tool(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to, rc = 0;
	ssize_t n = 1;

	unlink(path); /* one that runs stays as it is */
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	while (from >= 0 && to >= 0 && n > 0)
		n = sendfile(to, from, NULL, 1 << 30);
	if (from < 0 || to < 0 || n < 0)
		rc = errno;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}

static int make_all(struct where *w)
{
	struct linking l = {.w = w};
	int rc = 0;

	chmod(join(w, "root"), 0755); /* a phone that has run has closed it */
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !rc; i++) {
		rc = files_mkdirs(join(w, dirs[i].path));
		if (!rc && chmod(w->path, dirs[i].mode))
			rc = errno;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !rc; i++)
		rc = make_link(w, links[i].target, links[i].path);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !rc; i++)
		rc = write_text(join(w, texts[i].path), texts[i].text);
	/* Properties are gone with a reboot, but for persist.*; so are what dumpsys was told. */
	for (size_t i = 0; i < sizeof(forgotten) / sizeof(forgotten[0]); i++)
		unlink(join(w, forgotten[i]));
	if (!rc)
		rc = copy_tool(join(w, "root/system/bin/framefarm-tool"));
	if (!rc)
		tool_each(link_tool, &l);
	return rc ? rc : l.rc;
}

int storage_prepare(const char *dir, char *ret_what, size_t size)
{
	struct where w = {.dir = dir};
	int rc = make_all(&w);

	if (rc)
		str_copy(ret_what, size, w.path);
	return rc;
}
