/* SPDX-License-Identifier: Apache-2.0 */
/* An example of the daemon's configuration file; see conffile.h. */
#include "cmd/conffile.h"

#include <string.h>

#include "cmd/command.h"
#include "cmd/usage.h"

#define COLUMNS 88

static const char *value_of(const struct option_row *row)
{
	if (row->fallback)
		return row->fallback;
	return row->type == OPTION_FLAG ? "no" : row->unit;
}

/* A key that has no default shows the name of its value in angle brackets, so that nobody takes it for one. */
static void print_key(FILE *f, const struct option_row *row)
{
	bool shown = row->fallback || row->type == OPTION_FLAG;
	char text[USAGE_TEXT_MAX];

	usage_text(text, row);
	fputc('\n', f);
	usage_wrap(f, text, "# ", COLUMNS);
	fprintf(f, "#%s = %s%s%s\n", row->name, shown ? "" : "<", value_of(row), shown ? "" : ">");
}

void conffile_print(FILE *f)
{
	struct option_row rows[OPTION_ROWS_MAX];
	char serve[] = "serve", *argv[] = {serve};
	int n = options_rows(command_find(1, argv, NULL)->options, rows);

	fputs("# framefarm " FRAMEFARM_VERSION ": `framefarm serve --config FILE` reads this.\n#\n"
	      "# Lines of `name = value`; a value may stand in double quotes, a path begin with "
	      "~/, a\n"
	      "# flag is yes or no. Each key is an option of `framefarm serve`, which stands over "
	      "this\n"
	      "# file. `framefarm serve -n --config FILE` checks it.\n",
		f);
	for (int i = 0; i < n; i++)
		if (!rows[i].no_file)
			print_key(f, &rows[i]);
}
