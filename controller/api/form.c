/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxy in front of us and we ourselves could read in two ways is refused: a body of two
 * lengths (request smuggling; RFC 9112, 6.3), a coding that we do not know, a header that may stand
 * there once and stands there twice, a header's name with blanks (5.1) or a value with a carriage return
 * (2.2), an address that is decoded in two ways. libmicrohttpd takes the first of each, takes it for another
 * header, or waits for an end that never comes.
 */
#include "api/form.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "api/http.h"
#include "api/reply.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* Those by which something is decided. */
static const char *const single[] = {
	"Host",
	"Content-Length",
	"Transfer-Encoding",
	"Content-Type",
	"Authorization",
	"Idempotency-Key",
	"Last-Event-ID",
	"Origin",
	"Sec-Fetch-Site",
	"Expect",
};

struct seen {
	unsigned bits;
	const char *twice;
	bool malformed;
};

/* A token of RFC 9110, 5.6.2. */
static bool is_token(const char *s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *at = s;

	while (isalnum((unsigned char)*at) || (*at && strchr(others, *at)))
		at++;
	return at > s && !*at;
}

static int note(void *arg, const char *key, const char *value)
{
	struct seen *s = arg;

	if (!is_token(key) || strchr(value, '\r'))
		s->malformed = true;
	for (int i = 0; i < COUNT(single); i++) {
		if (strcasecmp(single[i], key) != 0)
			continue;
		if (s->bits & 1u << i)
			s->twice = single[i];
		s->bits |= 1u << i;
	}
	return s->twice || s->malformed;
}

static struct reply *refused(int status, const char *kind, const char *text, const char *more)
{
	struct reply *p = reply_problem(status, kind, text, more);

	p->close = true;
	return p;
}

static struct reply *check_coding(const struct req *r, const char *coding)
{
	if (r->old_http || req_header(r, "Content-Length"))
		return refused(400, "malformed", "%s",
			"the body's length is said in two ways: send Content-Length or "
			"Transfer-Encoding: chunked (HTTP/1.1), not both");
	if (strcasecmp(coding, "chunked") != 0)
		return refused(501, "unknown-coding", "%s",
			"the only Transfer-Encoding that is known here is chunked");
	return NULL;
}

struct reply *form_check(const struct req *r)
{
	const char *coding = req_header(r, "Transfer-Encoding");
	struct seen s = {0};

	if (r->odd_address)
		return refused(400, "malformed", "%s",
			"the address has a % without two digits behind it, a %00, or a %2F in its "
			"path");
	req_each_header(r, note, &s);
	if (s.malformed)
		return refused(400, "malformed", "%s",
			"a header's name is no word, or its value has a carriage return");
	if (s.twice)
		return refused(400, "malformed",
			"the header %s is there twice; which of them is meant cannot be known",
			s.twice);
	return coding ? check_coding(r, coding) : NULL;
}
