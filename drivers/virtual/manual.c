/* SPDX-License-Identifier: Apache-2.0 */
/* Help, lists, manual page and completion; see manual.h. */
#include "drivers/virtual/manual.h"

#include <string.h>

#include "drivers/virtual/options.h"
#include "drivers/virtual/profile.h"
#include "drivers/virtual/quirk.h"

#define COLUMNS 88
#define LEFT    24

static const char about[] =
	"Virtual Android phones: each plays adbd on a port of 127.0.0.1, has a root, storage and "
	"processes of its own, and a body that gets warm. One line is printed for each once it can "
	"be reached; they live until SIGTERM or Ctrl-C. Nothing they measure is a phone's.";

static const char *const examples[][2] = {
	{"framefarm-phone --count 3 --port 5555 &", "a shelf of three"},
	{"framefarm device connect 127.0.0.1:5555", "the first becomes a device of the farm"},
	{"adb connect 127.0.0.1:5556", "the second is Android's own tools'"},
	{"framefarm-phone --auth --deny", "one that waits for a tap in vain"},
	{"framefarm-phone --quirk cut-in=2000000", "one whose cable breaks once"},
};

/* Words of text behind a label of `left` columns, in lines of at most COLUMNS. */
static void wrap(FILE *f, const char *text, int left)
{
	int col = left;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (col > left && col + 1 + n > COLUMNS) {
			fprintf(f, "\n%*s", left, "");
			col = left;
		}
		col += fprintf(f, "%s%.*s", col > left ? " " : "", n, text);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

static void entry(FILE *f, const char *label, const char *text)
{
	int n = fprintf(f, "  %-*s ", LEFT, label);

	if (n > LEFT + 3)
		fprintf(f, "\n%*s", LEFT + 3, "");
	wrap(f, text, LEFT + 3);
}

static void print_option(void *arg, const char *name, const char *unit, const char *help)
{
	char label[64];

	snprintf(label, sizeof(label), "--%s%s%s", name, unit ? " " : "", unit ? unit : "");
	entry(arg, label, help);
}

void manual_help(FILE *f)
{
	fputs("usage: framefarm-phone [options]\n\n", f);
	wrap(f, about, 0);
	fputc('\n', f);
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		fprintf(f, "    %-42s %s\n", examples[i][0], examples[i][1]);
	fputc('\n', f);
	options_each(print_option, f);
}

/* ---- lists ---- */

static void print_profile(void *arg, const struct profile *p)
{
	fprintf(arg, "%-14s %s: %s\n", p->name, p->model, p->about);
}

void manual_profiles(FILE *f)
{
	profile_each(print_profile, f);
}

static void quirk_label(char dst[64], const struct quirk_row *r)
{
	snprintf(dst, 64, "%s%s%s", r->name, r->unit ? "=" : "", r->unit ? r->unit : "");
}

void manual_quirks(FILE *f)
{
	char label[64];

	for (int i = 0; i < QUIRKS; i++) {
		quirk_label(label, &quirk_rows[i]);
		fprintf(f, "%-20s %s\n", label, quirk_rows[i].help);
	}
}

/* ---- the manual page ---- */

/* A hyphen and a backslash are escaped; no line begins with text, so a dot has no meaning. */
static void roff(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
	}
}

static void item(FILE *f, const char *label, const char *text)
{
	fputs(".TP\n.B \"", f);
	roff(f, label);
	fputs("\"\n\\&", f);
	roff(f, text);
	fputs(".\n", f);
}

static void page_option(void *arg, const char *name, const char *unit, const char *help)
{
	char label[64];

	snprintf(label, sizeof(label), "--%s%s%s", name, unit ? "=" : "", unit ? unit : "");
	item(arg, label, help);
}

static void page_profile(void *arg, const struct profile *p)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", p->model, p->about);
	item(arg, p->name, text);
}

void manual_page(FILE *f)
{
	char label[64];

	fputs(".TH FRAMEFARM\\-PHONE 1 \"\" \"framefarm " FRAMEFARM_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\nframefarm\\-phone \\- virtual Android phones over TCP\n"
	      ".SH SYNOPSIS\n.B framefarm\\-phone\n[options]\n.SH DESCRIPTION\n",
		f);
	roff(f, about);
	fputs("\n.SH OPTIONS\n", f);
	options_each(page_option, f);
	fputs(".SH PROFILES\n", f);
	profile_each(page_profile, f);
	fputs(".SH QUIRKS\n", f);
	for (int i = 0; i < QUIRKS; i++) {
		quirk_label(label, &quirk_rows[i]);
		item(f, label, quirk_rows[i].help);
	}
	fputs(".SH EXAMPLES\n", f);
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		item(f, examples[i][0], examples[i][1]);
	fputs(".SH EXIT STATUS\n", f);
	item(f, "0", "ended as it was told to");
	item(f, "1", "a phone could not be played; stderr says why");
	item(f, "2", "wrong usage");
	fputs(".SH SEE ALSO\n.BR framefarm (1)\n", f);
}

/* ---- completion ---- */

static void word_option(void *arg, const char *name, const char *unit, const char *help)
{
	(void)unit;
	(void)help;
	fprintf(arg, " --%s", name);
}

static void word_profile(void *arg, const struct profile *p)
{
	fprintf(arg, " %s", p->name);
}

/* What a value is can be told from its unit, but for words that a table has. */
static void value_option(void *arg, const char *name, const char *unit, const char *help)
{
	(void)help;
	if (!unit || !strcmp(name, "profile") || !strcmp(name, "quirk"))
		return;
	fprintf(arg, "\t--%s) ", name);
	if (!strcmp(unit, "FILE") || !strcmp(unit, "DIR")) {
		fprintf(arg, "COMPREPLY=($(compgen -%c -- \"$word\"))", *unit == 'F' ? 'f' : 'd');
	} else if (strchr(unit, '|')) {
		fputs("COMPREPLY=($(compgen -W \"", arg);
		for (; *unit; unit++)
			fputc(*unit == '|' ? ' ' : *unit, arg);
		fputs("\" -- \"$word\"))", arg);
	}
	fputs(" ;;\n", arg);
}

void manual_completion(FILE *f, const char *shell)
{
	if (!strcmp(shell, "zsh")) {
		/* It reads --help, whose form is what it expects. */
		fputs("#compdef framefarm-phone\n_gnu_generic \"$@\"\n", f);
		return;
	}
	fputs("_framefarm_phone()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $word == = ]]; then word=; fi\n"
	      "\tif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	      "\tcase $before in\n\t--profile) COMPREPLY=($(compgen -f -W \"",
		f);
	profile_each(word_profile, f);
	fputs("\" -- \"$word\")) ;;\n\t--quirk) COMPREPLY=($(compgen -W \"", f);
	for (int i = 0; i < QUIRKS; i++)
		fprintf(f, " %s", quirk_rows[i].name);
	fputs("\" -- \"$word\")) ;;\n", f);
	options_each(value_option, f);
	fputs("\t*) COMPREPLY=($(compgen -W \"", f);
	options_each(word_option, f);
	fputs("\" -- \"$word\")) ;;\n\tesac\n}\ncomplete -o filenames -F _framefarm_phone "
	      "framefarm-phone\n",
		f);
}
