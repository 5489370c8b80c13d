/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the job format share: the least job, and what becomes of it. */
#ifndef FRAMEFARM_TEST_SUPPORT_JOBSPEC_H
#define FRAMEFARM_TEST_SUPPORT_JOBSPEC_H

struct err;
struct jobspec;

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A job with one variant and, behind it, more members: "," and so on; the caller frees it. */
char *job_with(const char *more);

/* One that has every member. */
extern const char job_whole[];

/* flags: enum of jobspec.h. 0, or what jobspec_parse() and json_parse() return. */
int try_parse(const char *text, unsigned flags, struct jobspec **ret, struct err *e);
/* These fail the test when the text is no job; the caller frees what they return. */
struct jobspec *parsed(const char *text);
struct jobspec *parsed_with(const char *more);
/* The text is refused with this code, in words that contain `says`. */
void text_refused(const char *text, int code, const char *says);
void refused(const char *more, int code, const char *says);

#endif
