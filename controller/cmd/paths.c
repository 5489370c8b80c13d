/* SPDX-License-Identifier: Apache-2.0 */
/* Where things lie on this host; see paths.h. */
#include "cmd/paths.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#define SERVICE_DIR     "/var/lib/framefarm"
#define INSTALLED_TOOLS "../lib/framefarm" /* from where the program lies */

bool paths_join(char dst[PATHS_MAX], const char *dir, const char *name)
{
	int n = snprintf(dst, PATHS_MAX, "%s/%s", dir, name);

	return n >= 0 && n < PATHS_MAX;
}

static int too_long(struct err *e, const char *what)
{
	return err_set(e, ERR_TOOBIG, "%s is longer than %d bytes", what, PATHS_MAX - 1);
}

static const char *home(void)
{
	const char *dir = getenv("HOME");
	struct passwd *pw;

	if (dir && *dir == '/')
		return dir;
	pw = getpwuid(geteuid());
	return pw && pw->pw_dir && *pw->pw_dir == '/' ? pw->pw_dir : NULL;
}

/* Root, and the user that the daemon runs as where it is a service. */
static bool is_service(void)
{
	struct stat st;

	return geteuid() == 0 || (!stat(SERVICE_DIR, &st) && st.st_uid == geteuid());
}

int paths_data_dir(char dst[PATHS_MAX], struct err *e)
{
	const char *dir = getenv("FRAMEFARM_DATA");

	if (dir && *dir) {
		if (!str_copy(dst, PATHS_MAX, dir))
			return too_long(e, "FRAMEFARM_DATA");
		return 0;
	}
	if (is_service()) {
		str_copy(dst, PATHS_MAX, SERVICE_DIR);
		return 0;
	}
	dir = home();
	if (!dir)
		return err_set(e, ERR_INVAL,
			"there is no home directory; set FRAMEFARM_DATA to the data directory");
	if (!paths_join(dst, dir, ".local/share/framefarm"))
		return too_long(e, "the home directory's name");
	return 0;
}

static int program_dir(char dst[PATHS_MAX], struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", dst, PATHS_MAX);
	char *slash;

	if (n < 0)
		return err_errno(e, errno, "/proc/self/exe cannot be read");
	if (n >= PATHS_MAX)
		return too_long(e, "this program's path");
	dst[n] = '\0';
	slash = strrchr(dst, '/');
	if (slash && slash != dst)
		*slash = '\0';
	return 0;
}

int paths_tools_dir(char dst[PATHS_MAX], struct err *e)
{
	char beside[PATHS_MAX], installed[PATHS_MAX];
	int rc = program_dir(dst, e);

	if (rc)
		return rc;
	if (paths_join(beside, dst, "framefarm-agent") && access(beside, F_OK) &&
		paths_join(installed, dst, INSTALLED_TOOLS "/framefarm-agent") &&
		!access(installed, F_OK) && paths_join(beside, dst, INSTALLED_TOOLS))
		return realpath(beside, dst) ? 0 : err_errno(e, errno, "cannot find %s", beside);
	return 0;
}

/* The last match of a pattern: of several versions the one that sorts last. */
static bool last_match(char dst[PATHS_MAX], const char *pattern)
{
	bool found = false;
	glob_t g;

	if (!glob(pattern, 0, NULL, &g) && g.gl_pathc)
		found = str_copy(dst, PATHS_MAX, g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	return found;
}

/* A directory's name in a pattern for glob(): its own special characters mean themselves. */
static bool quote_glob(char dst[PATHS_MAX], const char *dir)
{
	size_t n = 0;

	for (; *dir; dir++) {
		if (n + 2 >= PATHS_MAX)
			return false;
		if (strchr("\\*?[", *dir))
			dst[n++] = '\\';
		dst[n++] = *dir;
	}
	dst[n] = '\0';
	return true;
}

bool paths_find_ort(char dst[PATHS_MAX])
{
	static const char *const beside[] = {
		"libonnxruntime.so.1", "../lib/framefarm/libonnxruntime.so.1",
		"../.cache/ort/*/libonnxruntime.so.1",    /* of build/ in a source tree */
		"../../.cache/ort/*/libonnxruntime.so.1", /* of build/asan/ */
	};
	static const char *const installed[] = {
		"/usr/lib/framefarm/libonnxruntime.so.1",
		"/usr/local/lib/libonnxruntime.so.1*",
		"/usr/lib/*-linux-*/libonnxruntime.so.1*",
		"/usr/lib/libonnxruntime.so.1*",
	};
	const char *asked = getenv("FRAMEFARM_ORT");
	char tools[PATHS_MAX], quoted[PATHS_MAX], pattern[PATHS_MAX];

	if (asked && *asked)
		return str_copy(dst, PATHS_MAX, asked);
	if (!program_dir(tools, NULL) && quote_glob(quoted, tools))
		for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
			if (paths_join(pattern, quoted, beside[i]) && last_match(dst, pattern))
				return true;
	for (size_t i = 0; i < sizeof(installed) / sizeof(installed[0]); i++)
		if (last_match(dst, installed[i]))
			return true;
	*dst = '\0';
	return false;
}

int paths_read_line(const char *path, char *dst, size_t size, struct err *e)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int rc = 0;

	if (!f)
		return err_errno(e, errno, "%s cannot be read", path);
	n = fread(dst, 1, size, f);
	if (ferror(f))
		rc = err_errno(e, errno, "%s cannot be read", path);
	else if (n == size)
		rc = err_set(e, ERR_TOOBIG, "%s is longer than %zu bytes", path, size - 1);
	fclose(f);
	if (rc)
		return rc;
	dst[n] = '\0';
	dst[strcspn(dst, "\r\n")] = '\0';
	return 0;
}
