/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request's head can be read in one way only. */
#ifndef FRAMEFARM_API_FORM_H
#define FRAMEFARM_API_FORM_H

struct reply;
struct req;

/* NULL, or the refusal, behind which the connection ends: where its body would end, and what would
 * follow, is what cannot be known. */
struct reply *form_check(const struct req *r);

#endif
