/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page; see manpage.h. */
#include "cmd/manpage.h"

#include <string.h>

#include "base/exitcode.h"
#include "cmd/command.h"
#include "cmd/usage.h"

struct entry {
	const char *name, *text;
};

static const struct entry environment[] = {
	{"FRAMEFARM_URL", "Where clients find the daemon; --url stands over it."},
	{"FRAMEFARM_TOKEN", "The token that clients send; --token-file stands over it."},
	{"FRAMEFARM_CA", "Certificates that clients trust; --ca-file stands over it."},
	{"FRAMEFARM_DATA", "The data directory. Default: /var/lib/framefarm for root and for the "
			   "user whose it is, else ~/.local/share/framefarm."},
	{"FRAMEFARM_ORT", "ONNX Runtime's library. Default: beside the program, else where "
			  "Debian's package puts it."},
	{"NO_COLOR", "When set, nothing is coloured."},
};

static const struct entry files[] = {
	{"DATA/admin.token", "The token with every right, mode 0600, made at the daemon's first "
			     "start. Clients on the same host find it themselves."},
	{"DATA/url", "Where the daemon listens; clients on the same host read it."},
	{"DATA/control.db, DATA/samples.db",
		"Jobs, runs and devices; what was measured. They belong together."},
	{"/etc/framefarm/framefarm.conf",
		"The configuration file of the systemd service. `framefarm help --config` "
		"prints an example."},
	{"/lib/udev/rules.d/51-framefarm.rules",
		"Lets the group plugdev open Android phones on USB."},
};

static const struct entry signals[] = {
	{"SIGTERM, SIGINT",
		"The daemon takes no new requests, answers the open ones, stores what is changed "
		"and "
		"ends with 0. A second one ends it at once; what was acknowledged is stored. "
		"Runs on devices go on, and the next daemon finds them. `framefarm run` and "
		"`job wait` stop waiting, and cancel the job with --cancel-on-exit."},
	{"SIGHUP", "The daemon passes it over: a terminal that goes away does not end it."},
};

struct example {
	const char *words, *command;
};

static const struct example examples[] = {
	{"A daemon for this machine alone, and a first job:",
		"framefarm serve --local &\nframefarm doctor\nframefarm run "
		"profiles/examples/mlp.json"},
	{"In continuous integration, against a farm elsewhere:",
		"export FRAMEFARM_URL=https://farm.example FRAMEFARM_TOKEN=ff_...\n"
		"framefarm run bench.json --junit=result.xml --markdown=summary.md"},
	{"Which phones are there, and what do they need?", "framefarm device list"},
	{"A phone on the network:", "framefarm device connect pixel-8.lab:5555"},
};

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* Text of a paragraph: a backslash and a hyphen are escaped, and a line must not begin with a dot or
 * an apostrophe. */
static void text(FILE *f, const char *s)
{
	bool begin = true;

	for (; *s; s++) {
		if (begin && (*s == '.' || *s == '\''))
			fputs("\\&", f);
		begin = *s == '\n';
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
	}
}

/* Paragraphs between empty lines. */
static void paragraphs(FILE *f, const char *s)
{
	while (*s) {
		const char *end = strstr(s, "\n\n");
		size_t n = end ? (size_t)(end - s) : strlen(s);
		char part[2048];

		snprintf(part, sizeof(part), "%.*s", (int)n, s);
		fputs(".PP\n", f);
		text(f, part);
		fputc('\n', f);
		s += n + (end ? 2 : 0);
	}
}

static void item(FILE *f, const char *label, const char *words)
{
	fputs(".TP\n.B ", f);
	text(f, label);
	fputc('\n', f);
	text(f, words);
	fputs(".\n", f);
}

static void entries(FILE *f, const struct entry *list, int n)
{
	for (int i = 0; i < n; i++) {
		fputs(".TP\n.B ", f);
		text(f, list[i].name);
		fputc('\n', f);
		text(f, list[i].text);
		fputc('\n', f);
	}
}

static void example_list(FILE *f)
{
	for (int i = 0; i < N(examples); i++) {
		fputs(".PP\n", f);
		text(f, examples[i].words);
		fputs("\n.PP\n.in +4\n.nf\n", f);
		text(f, examples[i].command);
		fputs("\n.fi\n.in\n", f);
	}
}

static void option(FILE *f, const struct option_row *row)
{
	char label[USAGE_LABEL_MAX], words[USAGE_TEXT_MAX];

	usage_label(label, row);
	usage_text(words, row);
	item(f, label + strspn(label, " "), words);
}

static void command(FILE *f, const struct command *c)
{
	struct option_row rows[OPTION_ROWS_MAX];
	int n = c->options ? options_rows(c->options, rows) : 0;

	fputs(".SS framefarm ", f);
	text(f, c->name);
	fputs(" [options] ", f);
	text(f, c->args);
	fputc('\n', f);
	text(f, c->summary);
	fputs(".\n", f);
	paragraphs(f, c->help);
	for (int i = 0; i < n; i++)
		option(f, &rows[i]);
}

void manpage_print(FILE *f)
{
	fputs(".TH FRAMEFARM 1 \"\" \"framefarm " FRAMEFARM_VERSION "\" \"User Commands\"\n"
	      ".SH NAME\n"
	      "framefarm \\- a device farm that judges on\\-device models against the frame "
	      "budget\n"
	      ".SH SYNOPSIS\n"
	      ".B framefarm\n"
	      ".I command\n"
	      "[options] [arguments]\n"
	      ".SH DESCRIPTION\n"
	      "A daemon on a Linux host schedules benchmark jobs across the devices that are "
	      "attached\n"
	      "to it, judges each run against the frame budget and keeps the results. The other\n"
	      "commands are clients of its HTTP API.\n"
	      ".SH COMMANDS\n",
		f);
	for (int i = 0; i < n_commands; i++)
		command(f, &commands[i]);
	fputs(".SH EXIT STATUS\n", f);
	for (int code = 0; code <= 20; code++) {
		char label[16];

		if (!strcmp(exit_code_text(code), "unknown"))
			continue;
		snprintf(label, sizeof(label), "%d", code);
		item(f, label, exit_code_text(code));
	}
	fputs(".SH ENVIRONMENT\n", f);
	entries(f, environment, N(environment));
	fputs(".SH FILES\n", f);
	entries(f, files, N(files));
	fputs(".SH CONFIGURATION FILE\n"
	      "A file for\n"
	      ".B framefarm serve \\-\\-config\n"
	      "has a line `name = value` for each option, with the long name of the option; a "
	      "value\n"
	      "may stand in double quotes, a path begin with ~/, a flag is yes or no, and # begins "
	      "a comment. The "
	      "command\n"
	      "line stands over the file.\n"
	      ".SH SIGNALS\n",
		f);
	entries(f, signals, N(signals));
	fputs(".SH EXAMPLES\n", f);
	example_list(f);
	fputs(".SH SEE ALSO\n"
	      ".BR framefarm\\-phone (1),\n"
	      ".BR systemctl (1),\n"
	      ".BR adb (1)\n",
		f);
}
