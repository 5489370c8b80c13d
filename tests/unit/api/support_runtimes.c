/* SPDX-License-Identifier: Apache-2.0 */
/* The fake controller's runtimes: one is registered, and a few rules say what becomes of others. */
#include "support_ctl.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void fill(struct ctl_runtime *r, const char *name, const char *sha256)
{
	*r = (struct ctl_runtime){.added_ms = 1000, .n_libs = 1};
	str_copy(r->name, sizeof(r->name), name);
	str_copy(r->sha256, sizeof(r->sha256), sha256);
	r->libs[0] = (struct ctl_runtime_lib){.abi = "aarch64", .libc = "bionic", .bytes = 7};
	str_copy(r->libs[0].sha256, sizeof(r->libs[0].sha256), sha256);
}

int ctl_runtimes(struct ctl *c, struct ctl_runtime ret[CTL_RUNTIMES_MAX])
{
	char sha[LIMIT_SHA256] = "";

	(void)c;
	memset(sha, 'e', LIMIT_SHA256 - 1);
	fill(ret, "ort-1", sha);
	return 1;
}

int ctl_runtime_add(struct ctl *c, const char *sha256, const char *name, struct ctl_runtime *ret_r,
	struct err *e)
{
	(void)c;
	if (!strcmp(name, "ort-1"))
		return err_set(e, ERR_EXISTS, "another runtime is called ort-1");
	if (!strcmp(name, "broken"))
		return err_set(e, ERR_INVAL, "this is no ELF file");
	if (!strcmp(name, "huge"))
		return err_set(e, ERR_TOOBIG, "it has too many bytes");
	fill(ret_r, name, sha256);
	return 0;
}

int ctl_runtime_remove(struct ctl *c, const char *called, struct err *e)
{
	return ctl_runtime_known(c, called)
	               ? 0
	               : err_set(e, ERR_NOTFOUND, "no runtime is called \"%s\"", called);
}

bool ctl_runtime_known(struct ctl *c, const char *called)
{
	(void)c;
	return !strcmp(called, "ort-1");
}
