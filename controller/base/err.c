/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes and texts; see err.h. Any thread, no state. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *err_name(int code)
{
	switch (code) {
	case 0:
		return "success";
#define ERR_CASE(name, num, text)                                                                  \
	case num:                                                                                  \
		return text;
		ERR_LIST(ERR_CASE)
#undef ERR_CASE
	}
	return "unknown error";
}

/* What a sentence quotes may be foreign: a terminal and a log get no control character of it, and what is cut
 * is cut at a character's border. */
static void write_text(struct err *e, const char *behind, const char *fmt, va_list ap)
{
	char raw[2 * ERR_TEXT_MAX];
	size_t n;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	n = strlen(raw);
	if (behind)
		n += (size_t)snprintf(raw + n, sizeof(raw) - n, ": %s", behind);
	str_copy_clean(e->text, sizeof(e->text), raw, n < sizeof(raw) ? n : sizeof(raw) - 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	va_start(ap, fmt);
	write_text(e, NULL, fmt, ap);
	va_end(ap);
	return code;
}

static const struct {
	int errnum;
	int code;
} errno_map[] = {
	{ENOMEM, ERR_NOMEM},
	{EINVAL, ERR_INVAL},
	{ENOENT, ERR_NOTFOUND},
	{EEXIST, ERR_EXISTS},
	{EBUSY, ERR_BUSY},
	{EACCES, ERR_PERM},
	{EPERM, ERR_PERM},
	{EROFS, ERR_PERM},
	{EIO, ERR_IO},
	{ENOSPC, ERR_NOSPACE},
	{EDQUOT, ERR_NOSPACE},
	{ETIMEDOUT, ERR_TIMEOUT},
	{ECANCELED, ERR_CANCELLED},
	{ENODEV, ERR_GONE},
	{EPROTO, ERR_PROTO},
	{E2BIG, ERR_TOOBIG},
	{EFBIG, ERR_TOOBIG},
	{EMSGSIZE, ERR_TOOBIG},
	{ENOSYS, ERR_UNSUPPORTED},
	{EOPNOTSUPP, ERR_UNSUPPORTED},
	{ECONNREFUSED, ERR_UNREACHABLE},
	{EHOSTUNREACH, ERR_UNREACHABLE},
	{ERANGE, ERR_RANGE},
	{EADDRINUSE, ERR_BUSY},
};

int err_from_errno(int errnum)
{
	for (size_t i = 0; i < sizeof(errno_map) / sizeof(errno_map[0]); i++)
		if (errno_map[i].errnum == errnum)
			return errno_map[i].code;
	return ERR_SYS;
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
	int code = err_from_errno(errnum);
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	va_start(ap, fmt);
	write_text(e, strerror(errnum), fmt, ap);
	va_end(ap);
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	if (!e)
		return ERR_SYS;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	write_text(e, old, fmt, ap);
	va_end(ap);
	return e->code;
}
