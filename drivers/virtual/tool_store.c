/* SPDX-License-Identifier: Apache-2.0 */
/* Files of "key=value" lines, which the phone's tools keep; see tool.h. */
#include "drivers/virtual/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/str.h"

#define LINE (TOOL_VALUE + 256)

/* Takes a line apart in place. */
static bool split(char *line, char **ret_value)
{
	char *equals = strchr(line, '=');

	line[strcspn(line, "\n")] = '\0';
	if (!equals)
		return false;
	*equals = '\0';
	*ret_value = equals + 1;
	return true;
}

bool tool_get(const char *path, const char *key, char *dst, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[LINE];
	char *value;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = split(line, &value) && !strcmp(line, key);
		if (found)
			str_copy(dst, size, value);
	}
	if (f)
		fclose(f);
	return found;
}

void tool_walk(
	const char *path, void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	FILE *f = fopen(path, "re");
	char line[LINE];
	char *value;

	while (f && fgets(line, sizeof(line), f))
		if (split(line, &value))
			fn(arg, line, value);
	if (f)
		fclose(f);
}

struct rewriting {
	FILE *out;
	const char *skip;
};

static void keep(void *arg, const char *key, const char *value)
{
	struct rewriting *r = arg;

	if (strcmp(key, r->skip))
		fprintf(r->out, "%s=%s\n", key, value);
}

int tool_set(const char *path, const char *key, const char *value)
{
	char tmp[256], lock[256];
	struct rewriting r = {.skip = key};
	int fd, rc = 0;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX))
		return errno;
	r.out = fopen(tmp, "we");
	if (r.out) {
		tool_walk(path, keep, &r);
		if (value)
			fprintf(r.out, "%s=%s\n", key, value);
		if (fclose(r.out) || rename(tmp, path))
			rc = errno;
	} else {
		rc = errno;
	}
	close(fd);
	return rc;
}

bool tool_print(const char *path)
{
	FILE *f = fopen(path, "re");
	char block[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		fwrite(block, 1, n, stdout);
	fclose(f);
	return true;
}
