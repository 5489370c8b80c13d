/* SPDX-License-Identifier: Apache-2.0 */
/* Root becomes an ordinary user; see unroot.h. */
#include "drivers/virtual/unroot.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

int unroot(unsigned uid)
{
	if (geteuid())
		return 0;
	if (chown(".", uid, uid))
		return errno == EINVAL ? 0 : -1; /* the name space does not know the user */
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ? -1 : 0;
}
