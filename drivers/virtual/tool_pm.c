/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pm and `cmd package`: install (streamed, by sessions, from a file), uninstall, list, path. What is
 * installed is /data/app/PACKAGE/ with its APKs; a session under way is /data/app/vmdlN.tmp/.
 */
#include "drivers/virtual/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "drivers/virtual/apk.h"
#include "drivers/virtual/files.h"
#include "drivers/virtual/tree.h"

#define APP  "/data/app"
#define PATH 512

static const char *const system_packages[] = {"android", "com.android.providers.settings",
	"com.android.settings", "com.android.shell", "com.android.systemui"};
#define N_SYSTEM ((int)(sizeof(system_packages) / sizeof(system_packages[0])))

static int failure(const char *code)
{
	printf("Failure [%s]\n", code);
	return 1;
}

/* ---- bytes ---- */

/* size < 0: to the end. */
static int copy(int from, int to, int64_t size)
{
	static char block[256 * 1024];

	while (size) {
		size_t want =
			size < 0 || size > (int64_t)sizeof(block) ? sizeof(block) : (size_t)size;
		ssize_t n = read(from, block, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (!n && size > 0))
			return -1;
		if (!n)
			return 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, block + done, n - done);

			if (w < 0)
				return -1;
			done += w;
		}
		size -= size > 0 ? n : 0;
	}
	return 0;
}

static int store(const char *dir, const char *name, const char *source, int64_t size)
{
	char path[PATH];
	int from = source ? open(source, O_RDONLY | O_CLOEXEC) : 0, to, rc = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (from >= 0 && to >= 0)
		rc = copy(from, to, size);
	if (to >= 0)
		close(to);
	if (source && from >= 0)
		close(from);
	return rc;
}

/* ---- sessions ---- */

static void session_dir(char dst[PATH], int n)
{
	snprintf(dst, PATH, APP "/vmdl%d.tmp", n);
}

static int session_new(char ret_dir[PATH])
{
	for (int n = (int)getpid() * 16; n < INT32_MAX; n++) {
		session_dir(ret_dir, n);
		if (!mkdir(ret_dir, 0755))
			return n;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

/* The package of the session's first APK that has one; a split alone has it too. */
static bool session_package(const char *dir, char package[APK_NAME])
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[PATH];
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%.200s/%.250s", dir, e->d_name);
		found = e->d_name[0] != '.' && apk_package(path, package);
	}
	if (d)
		closedir(d);
	return found;
}

static int commit(const char *dir)
{
	char package[APK_NAME], final[PATH], word[8];

	if (tool_prop(TREE_RESTRICTS_INSTALL, word, sizeof(word))) {
		files_remove(dir);
		return failure("INSTALL_FAILED_USER_RESTRICTED: Install canceled by user");
	}
	if (!session_package(dir, package)) {
		files_remove(dir);
		return failure("INSTALL_PARSE_FAILED_NOT_APK: Failed to parse the package");
	}
	snprintf(final, sizeof(final), APP "/%s", package);
	files_remove(final);
	if (rename(dir, final)) {
		files_remove(dir);
		return failure("INSTALL_FAILED_INSUFFICIENT_STORAGE");
	}
	puts("Success");
	return 0;
}

/* ---- verbs ---- */

struct args {
	int64_t size; /* -S; -1: not given */
	const char *rest[4];
	int n;
};

/* Options of pm that take a value. */
static bool takes_value(const char *option)
{
	static const char *const list[] = {"-i", "-p", "--user", "--abi", "--originating-uri",
		"--referrer", "--install-location", "--install-reason", "--pkg", NULL};

	for (int i = 0; list[i]; i++)
		if (!strcmp(list[i], option))
			return true;
	return false;
}

static struct args read_args(int argc, char **argv)
{
	struct args a = {.size = -1};

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "-S") && i + 1 < argc)
			a.size = strtoll(argv[++i], NULL, 10);
		else if (takes_value(argv[i]))
			i++;
		else if ((argv[i][0] != '-' || !argv[i][1]) && a.n < 4)
			a.rest[a.n++] = argv[i];
	}
	return a;
}

static const char *source_of(const char *path)
{
	return path && strcmp(path, "-") ? path : NULL;
}

static int install(const struct args *a)
{
	const char *source = source_of(a->n ? a->rest[0] : NULL);
	char dir[PATH];

	if (!source && a->size < 0) {
		fputs("Error: must either specify a package size or an APK file\n", stderr);
		return 1;
	}
	if (source && access(source, R_OK)) {
		fprintf(stderr, "Error: Unable to open file: %s\n", source);
		return 1;
	}
	if (session_new(dir) < 0)
		return failure("INSTALL_FAILED_INSUFFICIENT_STORAGE");
	if (store(dir, "base.apk", source, source ? -1 : a->size)) {
		files_remove(dir);
		return failure("INSTALL_FAILED_INVALID_APK: the stream ended early");
	}
	return commit(dir);
}

static int install_create(const struct args *a)
{
	char dir[PATH];
	int n = session_new(dir);

	(void)a;
	if (n < 0)
		return failure("INSTALL_FAILED_INSUFFICIENT_STORAGE");
	printf("Success: created install session [%d]\n", n);
	return 0;
}

static bool has_session(const struct args *a, char dir[PATH])
{
	session_dir(dir, a->n ? atoi(a->rest[0]) : 0);
	if (!access(dir, F_OK))
		return true;
	fputs("Error: java.lang.SecurityException: Caller has no access to session\n", stderr);
	return false;
}

static int install_write(const struct args *a)
{
	const char *name = a->n > 1 ? a->rest[1] : "base.apk";
	char dir[PATH], clean[128];
	size_t n = strlen(name);

	if (!has_session(a, dir))
		return 1;
	if (strchr(name, '/') || !str_is_name(name))
		return failure("INSTALL_FAILED_INVALID_APK: bad name");
	snprintf(clean, sizeof(clean), "%.100s%s", name,
		n > 4 && !strcmp(name + n - 4, ".apk") ? "" : ".apk");
	if (store(dir, clean, source_of(a->n > 2 ? a->rest[2] : NULL), a->size)) {
		files_remove(dir);
		return failure("INSTALL_FAILED_INVALID_APK: the stream ended early");
	}
	printf("Success: streamed %" PRId64 " bytes\n", a->size < 0 ? 0 : a->size);
	return 0;
}

static int install_commit(const struct args *a)
{
	char dir[PATH];

	return has_session(a, dir) ? commit(dir) : 1;
}

static int install_abandon(const struct args *a)
{
	char dir[PATH];

	if (!has_session(a, dir))
		return 1;
	files_remove(dir);
	puts("Success");
	return 0;
}

static bool installed_dir(const char *package, char dst[PATH])
{
	struct stat st;

	if (!package || strchr(package, '/') || package[0] == '.')
		return false;
	snprintf(dst, PATH, APP "/%.300s", package);
	return !stat(dst, &st) && S_ISDIR(st.st_mode);
}

static int uninstall(const struct args *a)
{
	char dir[PATH];

	if (!installed_dir(a->rest[0], dir))
		return failure("DELETE_FAILED_INTERNAL_ERROR");
	files_remove(dir);
	puts("Success");
	return 0;
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}

static int print_path(const struct args *a)
{
	char dir[PATH];
	struct dirent **names;
	int n;

	if (!installed_dir(a->rest[0], dir))
		return 1;
	n = scandir(dir, &names, NULL, alphasort);
	for (int i = 0; i < n; i++)
		if (names[i]->d_name[0] != '.')
			printf("package:%s/%s\n", dir, names[i]->d_name);
	free_names(names, n);
	return 0;
}

/* list packages [-3|-s] [-f] [FILTER] */
static int list(int argc, char **argv)
{
	bool third = true, system = true, with_path = false;
	const char *filter = "";
	struct dirent **names;
	int n;

	if (argc < 3 || strcmp(argv[2], "packages"))
		return 1;
	n = scandir(APP, &names, NULL, alphasort);
	for (int i = 3; i < argc; i++) {
		system = system && strcmp(argv[i], "-3");
		third = third && strcmp(argv[i], "-s");
		with_path = with_path || !strcmp(argv[i], "-f");
		filter = argv[i][0] == '-' ? filter : argv[i];
	}
	for (int i = 0; system && i < N_SYSTEM; i++)
		if (strstr(system_packages[i], filter))
			printf("package:%s\n", system_packages[i]);
	for (int i = 0; third && i < n; i++) {
		const char *name = names[i]->d_name;

		if (name[0] == '.' || strstr(name, ".tmp") || !strstr(name, filter))
			continue;
		if (with_path)
			printf("package:" APP "/%s/base.apk=%s\n", name, name);
		else
			printf("package:%s\n", name);
	}
	free_names(names, n);
	return 0;
}

static int clear(const struct args *a)
{
	char dir[PATH];

	puts(installed_dir(a->rest[0], dir) ? "Success" : "Failed");
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(const struct args *a);
} verbs[] = {
	{"install", install},
	{"install-create", install_create},
	{"install-write", install_write},
	{"install-commit", install_commit},
	{"install-abandon", install_abandon},
	{"uninstall", uninstall},
	{"path", print_path},
	{"clear", clear},
};

int tool_pm(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "help";
	struct args a = read_args(argc, argv);

	umask(022);
	if (!strcmp(verb, "list"))
		return list(argc, argv);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, verb))
			return verbs[i].fn(&a);
	fprintf(stderr, "Unknown command: %s\n", verb);
	return 255;
}
