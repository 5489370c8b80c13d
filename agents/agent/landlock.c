/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock, through raw system calls (Linux, Documentation/userspace-api/landlock.rst). The numbers
 * stand here because C libraries and headers are older than the kernels that know them.
 */
#include "agent/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE       445
#define SYS_RESTRICT_SELF  446
#define CREATE_VERSION     1u
#define RULE_PATH_BENEATH  1

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_MAKE_CHAR  (1ull << 6)
#define FS_MAKE_SOCK  (1ull << 9)
#define FS_MAKE_FIFO  (1ull << 10)
#define FS_MAKE_BLOCK (1ull << 11)
#define FS_REFER      (1ull << 13) /* from ABI 2 on */
#define FS_TRUNCATE   (1ull << 14) /* 3 */
#define FS_IOCTL_DEV  (1ull << 15) /* 5 */
#define FS_FIRST      ((1ull << 13) - 1)

#define NET_TCP   3ull /* bind and connect, ABI 4 */
#define SCOPE_ALL 3ull /* abstract sockets and signals, ABI 6 */

#define ON_FILES  (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define READ      (FS_READ_FILE | FS_READ_DIR)
#define READ_EXEC (READ | FS_EXECUTE)
#define NOT_IN_SCRATCH                                                                             \
	(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_REFER |      \
		FS_IOCTL_DEV)

struct ruleset {
	uint64_t fs, net, scoped; /* a kernel that knows less takes zeros behind what it knows */
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* What a runtime reads on a Linux system; what is not there is left out. */
static const struct {
	const char *path;
	uint64_t allowed;
} system_paths[] = {
	{"/usr", READ_EXEC},
	{"/lib", READ_EXEC},
	{"/lib32", READ_EXEC},
	{"/lib64", READ_EXEC},
	{"/etc/ld.so.cache", READ},
	{"/system", READ_EXEC}, /* Android's, for a runner of its own C library */
	{"/system_ext", READ_EXEC},
	{"/vendor", READ_EXEC},
	{"/apex", READ_EXEC},
	{"/linkerconfig", READ},
	{"/proc/self", READ},
	{"/proc/self/clear_refs", FS_WRITE_FILE}, /* resets the peak of its memory (proc(5)) */
	{"/proc/cpuinfo", READ},
	{"/proc/meminfo", READ},
	{"/sys/devices/system/cpu", READ},
	{"/sys/devices/system/node", READ},
	{"/dev/null", FS_READ_FILE | FS_WRITE_FILE},
	{"/dev/zero", READ},
	{"/dev/random", READ},
	{"/dev/urandom", READ},
};

int landlock_abi(void)
{
	long abi = syscall(SYS_CREATE_RULESET, NULL, 0, CREATE_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

static struct ruleset handled(int abi)
{
	struct ruleset r = {.fs = FS_FIRST};

	r.fs |= (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	        (abi >= 5 ? FS_IOCTL_DEV : 0);
	r.net = abi >= 4 ? NET_TCP : 0;
	r.scoped = abi >= 6 ? SCOPE_ALL : 0;
	return r;
}

static int allow_fd(int rules, int fd, uint64_t allowed)
{
	struct path_beneath pb = {.allowed = allowed, .parent = fd};
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		pb.allowed &= ON_FILES;
	return syscall(SYS_ADD_RULE, rules, RULE_PATH_BENEATH, &pb, 0) ? -errno : 0;
}

static int allow_path(int rules, int dir, const char *path, uint64_t allowed)
{
	int fd = openat(dir, path, O_PATH | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = allow_fd(rules, fd, allowed);
	close(fd);
	return rc;
}

static int add_rules(int rules, const struct sandbox *sb, uint64_t all)
{
	int rc = allow_fd(rules, sb->scratch, all & ~NOT_IN_SCRATCH);

	for (size_t i = 0; !rc && i < sizeof(system_paths) / sizeof(system_paths[0]); i++)
		rc = allow_path(
			rules, AT_FDCWD, system_paths[i].path, system_paths[i].allowed & all);
	for (unsigned i = 0; !rc && i < sb->n_files; i++)
		rc = allow_path(rules, sb->files_dir, sb->files[i], READ_EXEC);
	if (!rc && sb->exe >= 0)
		rc = allow_fd(rules, sb->exe, READ_EXEC);
	if (!rc && sb->page_dir)
		rc = allow_path(rules, AT_FDCWD, sb->page_dir, FS_READ_FILE | FS_WRITE_FILE);
	return rc;
}

int landlock_enter(const struct sandbox *sb)
{
	int abi = landlock_abi(), rules, rc;
	struct ruleset r;

	if (abi < 0)
		return abi;
	r = handled(abi);
	rules = syscall(SYS_CREATE_RULESET, &r, sizeof(r), 0);
	if (rules < 0)
		return -errno;
	rc = add_rules(rules, sb, r.fs);
	if (!rc && syscall(SYS_RESTRICT_SELF, rules, 0))
		rc = -errno;
	close(rules);
	return rc;
}
