/* SPDX-License-Identifier: Apache-2.0 */
/* Identity; see ident.h. */
#include "agent/ident.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <sys/utsname.h>

#include "agent/files.h"
#include "agent/root.h"

#define UUID_LEN 36

static int random_bytes(void *dst, size_t n)
{
	return getrandom(dst, n, 0) == (ssize_t)n ? 0 : -EIO;
}

/* Version 4, RFC 9562 section 5.4. */
static int make_uuid(char dst[40])
{
	static const uint8_t dash_before[] = {4, 6, 8, 10};
	uint8_t b[16];
	size_t n = 0, d = 0;
	int rc = random_bytes(b, sizeof(b));

	if (rc)
		return rc;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(b); i++) {
		if (d < sizeof(dash_before) && dash_before[d] == i) {
			dst[n++] = '-';
			d++;
		}
		n += snprintf(dst + n, 40 - n, "%02x", b[i]);
	}
	return 0;
}

static int load_uuid(struct ident *id, int dirfd)
{
	ssize_t n = files_read(dirfd, "uuid", id->uuid, UUID_LEN);
	int rc;

	if (n == UUID_LEN && strspn(id->uuid, "0123456789abcdef-") == UUID_LEN)
		return 0;
	memset(id->uuid, 0, sizeof(id->uuid));
	rc = make_uuid(id->uuid);
	return rc ? rc : files_replace(dirfd, "uuid", id->uuid, UUID_LEN);
}

/* The names a controller chooses agent and runner by: a 32-bit ARM agent may run on a 64-bit
 * kernel, whose uname() tells of the kernel. */
static const char *abi(const struct utsname *u)
{
#if defined(__arm__)
	(void)u;
	return "armv7l";
#else
	return u->machine;
#endif
}

int ident_load(struct ident *id, int dirfd, const struct root *root)
{
	struct utsname u;
	int rc;

	memset(id, 0, sizeof(*id));
	rc = load_uuid(id, dirfd);
	if (!rc)
		rc = random_bytes(&id->boot, sizeof(id->boot));
	if (rc)
		return rc;
	id->boot |= !id->boot;
	if (root_read(root, "/proc/sys/kernel/random/boot_id", id->kernel_boot_id,
		    sizeof(id->kernel_boot_id)) < 0)
		id->kernel_boot_id[0] = '\0';
	if (uname(&u))
		return -errno;
	snprintf(id->abi, sizeof(id->abi), "%.31s", abi(&u));
	snprintf(id->os, sizeof(id->os), "%.24s %.40s %.60s", u.sysname, u.release, u.version);
	return 0;
}
