/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for XML and Markdown; see escape.h. */
#include "cmd/escape.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void xml_char(FILE *f, char c)
{
	switch (c) {
	case '&':
		fputs("&amp;", f);
		break;
	case '<':
		fputs("&lt;", f);
		break;
	case '>':
		fputs("&gt;", f);
		break;
	case '"':
		fputs("&quot;", f);
		break;
	case '\'':
		fputs("&#39;", f);
		break;
	default:
		fputc(c, f);
	}
}

/* U+FFFE and U+FFFF, the two that are UTF-8 but no characters of XML 1.0 (production 2). */
static bool is_nonchar(const char *s)
{
	return !strncmp(s, "\xef\xbf\xbe", 3) || !strncmp(s, "\xef\xbf\xbf", 3);
}

void escape_xml(FILE *f, const char *s)
{
	size_t n = strlen(s);
	char *clean = mem_alloc(n + 1);

	str_copy_clean(clean, n + 1, s, n);
	for (const char *p = clean; *p; p++) {
		if (is_nonchar(p)) {
			fputc('?', f);
			p += 2;
		} else {
			xml_char(f, *p);
		}
	}
	mem_free(clean);
}

/* A backslash before ASCII punctuation takes its meaning away (CommonMark 0.31, 2.4); '@' and '&' are
 * written as entities, because GitHub looks for mentions before it reads the backslash. */
void escape_markdown(FILE *f, const char *s)
{
	char before = '\0';

	for (; *s; before = *s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			fputc(' ', f);
		else if (*s == '@')
			fputs("&#64;", f);
		else if (*s == '&')
			fputs("&amp;", f);
		else if (strchr("\\`*_{}[]<>#|!~$", *s) || (*s == '/' && before == ':'))
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
	}
}
