/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for what a target keeps in files; see fuzz.h. */
#include "tests/fuzz/fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

static char dir[64];

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
	(void)s, (void)kind, (void)ftw;
	return remove(path);
}

static void remove_all(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_dir(const char *name)
{
	const char *parent = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";

	CHECK(!*dir);
	snprintf(dir, sizeof(dir), "%s/framefarm-fuzz-%s.XXXXXX", parent, name);
	CHECK(mkdtemp(dir));
	atexit(remove_all); /* behind what is registered later: those come first */
	return dir;
}
