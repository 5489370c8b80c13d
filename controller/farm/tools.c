/* SPDX-License-Identifier: Apache-2.0 */
/* Programs for devices; see tools.h. */
#include "farm/tools.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define CACHE_MAX 64

struct known {
	struct tool tool;
	struct timespec mtime;
	ino_t ino;
};

struct tools {
	char dir[512], ort[512];
	char host_abi[32];
	pthread_mutex_t lock;
	struct known known[CACHE_MAX];
	int n_known, next;
};

struct tools *tools_new(const char *dir, const char *ort)
{
	struct tools *t = mem_zalloc(sizeof(*t));
	struct utsname u;

	str_copy(t->dir, sizeof(t->dir), dir);
	str_copy(t->ort, sizeof(t->ort), ort);
	if (!uname(&u))
		str_copy(t->host_abi, sizeof(t->host_abi), u.machine);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tools_free(struct tools *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

static bool same_file(const struct known *k, const char *path, const struct stat *st)
{
	return !strcmp(k->tool.path, path) && k->ino == st->st_ino &&
	       k->tool.bytes == st->st_size && k->mtime.tv_sec == st->st_mtim.tv_sec &&
	       k->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static bool look_up(struct tools *t, const char *path, const struct stat *st, struct tool *ret_t)
{
	bool hit = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < t->n_known && !hit; i++) {
		hit = same_file(&t->known[i], path, st);
		if (hit)
			*ret_t = t->known[i].tool;
	}
	pthread_mutex_unlock(&t->lock);
	return hit;
}

static void remember(struct tools *t, const struct tool *tool, const struct stat *st)
{
	struct known *k;

	pthread_mutex_lock(&t->lock);
	k = &t->known[t->next];
	t->next = (t->next + 1) % CACHE_MAX;
	if (t->n_known < CACHE_MAX)
		t->n_known++;
	k->tool = *tool;
	k->mtime = st->st_mtim;
	k->ino = st->st_ino;
	pthread_mutex_unlock(&t->lock);
}

static int resolve(
	struct tools *t, const char *path, const char *remedy, struct tool *ret_t, struct err *e)
{
	struct tool tool = {0};
	struct stat st;

	if (!*path || stat(path, &st) || !S_ISREG(st.st_mode))
		return err_set(
			e, ERR_NOTFOUND, "%s is missing; %s", *path ? path : "the file", remedy);
	if (look_up(t, path, &st, ret_t))
		return 0;
	str_copy(tool.path, sizeof(tool.path), path);
	if (hash_file(path, tool.sha256, &tool.bytes, e))
		return e ? e->code : ERR_IO;
	remember(t, &tool, &st);
	*ret_t = tool;
	return 0;
}

static void program_path(
	const struct tools *t, const char *abi, const char *name, char *dst, size_t size)
{
	if (!strcmp(abi, t->host_abi))
		snprintf(dst, size, "%s/%s", t->dir, name);
	else
		snprintf(dst, size, "%s/%s/%s", t->dir, abi, name);
}

#define REMEDY_ABI "`make agents` brings what devices of other systems and ABIs need"

const char *tool_name(const struct tool *t)
{
	const char *slash = strrchr(t->path, '/');

	return slash ? slash + 1 : t->path;
}

int tools_support(struct tools *t, const char *abi, bool foreign_libc,
	struct tool ret_t[TOOLS_SUPPORT_MAX], int *ret_n, struct err *e)
{
	char dir[600], path[1024];
	struct dirent *de;
	int rc = 0, n = 0;
	DIR *d;

	*ret_n = 0;
	if (!foreign_libc && !strcmp(abi, t->host_abi))
		return 0;
	snprintf(dir, sizeof(dir), "%s/%s/lib", t->dir, abi);
	d = opendir(dir);
	if (!d)
		return err_set(e, ERR_NOTFOUND, "%s is missing; " REMEDY_ABI, dir);
	while (!rc && (de = readdir(d))) {
		if (*de->d_name == '.')
			continue;
		if (n == TOOLS_SUPPORT_MAX)
			rc = err_set(e, ERR_TOOBIG, "%s has more than %d files", dir, n);
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (!rc)
			rc = resolve(t, path, REMEDY_ABI, &ret_t[n++], e);
	}
	closedir(d);
	*ret_n = rc ? 0 : n;
	return rc;
}

int tools_agent(struct tools *t, const char *abi, struct tool *ret_t, struct err *e)
{
	char path[1024];

	program_path(t, abi, "framefarm-agent", path, sizeof(path));
	return resolve(t, path,
		strcmp(abi, t->host_abi)
			? "build it with `make agents` (arm64, armv7), or give --tools "
			  "a directory that has it"
			: "build it with `make`, or give --tools its directory",
		ret_t, e);
}

int tools_runner(
	struct tools *t, const char *name, const char *abi, struct tool *ret_t, struct err *e)
{
	char path[1024], file[LIMIT_NAME + 24];

	if (!str_is_name(name))
		return err_set(e, ERR_INVAL, "\"%.40s\" is no runner's name", name);
	snprintf(file, sizeof(file), "framefarm-runner-%s", name);
	program_path(t, abi, file, path, sizeof(path));
	return resolve(t, path,
		"there is no such runner for this device; `make` builds "
		"framefarm-runner-onnxruntime",
		ret_t, e);
}

int tools_runner_bionic(
	struct tools *t, const char *name, const char *abi, struct tool *ret_t, struct err *e)
{
	char path[1024];

	if (!str_is_name(name))
		return err_set(e, ERR_INVAL, "\"%.40s\" is no runner's name", name);
	snprintf(path, sizeof(path), "%s/%s/bionic/framefarm-runner-%s", t->dir, abi, name);
	return resolve(t, path,
		"a runtime that was made for Android needs a runner that was, too: `make agents "
		"NDK=DIR` builds it",
		ret_t, e);
}

int tools_runtime(
	struct tools *t, const char *runner, const char *abi, struct tool *ret_t, struct err *e)
{
	char path[1024];

	if (strcmp(runner, "onnxruntime"))
		return err_set(
			e, ERR_NOTFOUND, "no runtime library for %s on %s is known", runner, abi);
	if (strcmp(abi, t->host_abi)) {
		program_path(t, abi, "libonnxruntime.so.1", path, sizeof(path));
		return resolve(t, path, REMEDY_ABI, ret_t, e);
	}
	return resolve(t, t->ort,
		"install ONNX Runtime with `make deps`, or name its library in FRAMEFARM_ORT",
		ret_t, e);
}
