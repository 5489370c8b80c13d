/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of arm64 under qemu-user; see arm64.h. */
#include "drivers/virtual/arm64.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/err.h"

#define BINFMT "/proc/sys/fs/binfmt_misc"
#define QEMU   "/usr/bin/qemu-aarch64-static"

/* ELF, 64 bits, little-endian, executable or shared, EM_AARCH64; as Debian's qemu-user-static has
 * it. F: the interpreter is opened now; O and C: the program is handed over open, with its rights. */
static const char rule[] =
	":qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
	"\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff"
	"\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:" QEMU ":OCF";

static bool host_has(void)
{
	char text[256] = "";
	int fd = open(BINFMT "/qemu-aarch64", O_RDONLY | O_CLOEXEC);
	bool has;

	if (fd < 0)
		return false;
	has = read(fd, text, sizeof(text) - 1) > 0 && !strncmp(text, "enabled", 7);
	close(fd);
	return has;
}

static int register_here(int (*write_maps)(int inside))
{
	int fd, rc;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || write_maps(0))
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("binfmt_misc", BINFMT, "binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return -1;
	fd = open(BINFMT "/register", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = write(fd, rule, sizeof(rule) - 1) == sizeof(rule) - 1 ? 0 : -1;
	close(fd);
	return rc;
}

int arm64_register(int (*write_maps)(int inside), struct err *e)
{
	bool had = host_has();

	if (access(QEMU, X_OK))
		return err_set(e, ERR_UNSUPPORTED,
			"an arm64 phone needs %s: install Debian's qemu-user-static", QEMU);
	if (!register_here(write_maps) || had)
		return 0;
	return err_errno(e, errno,
		"an arm64 phone needs binfmt_misc: Linux 6.7 and later let each phone register "
		"qemu for "
		"itself, before that the host must (Debian's binfmt-support with qemu-user-static "
		"does it)");
}
