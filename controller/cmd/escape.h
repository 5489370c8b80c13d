/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text made harmless for the format that it is written into. Any thread, no state. */
#ifndef FRAMEFARM_CMD_ESCAPE_H
#define FRAMEFARM_CMD_ESCAPE_H

#include <stdio.h>

/* For XML 1.0 text and attribute values. What XML cannot hold at all (control characters, bytes that
 * are no UTF-8, U+FFFE and U+FFFF) becomes '?'. */
void escape_xml(FILE *f, const char *s);

/* For a line or a table's cell of Markdown (CommonMark and GitHub's): no character of s has a meaning
 * there, nobody is mentioned, nothing is linked; control characters become blanks. */
void escape_markdown(FILE *f, const char *s);

#endif
