/* SPDX-License-Identifier: Apache-2.0 */
/* `framefarm sql`: one SELECT over the data directory, with or without a daemon at work there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/exitcode.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/paths.h"
#include "cmd/table.h"
#include "store/query.h"

static const char name[] = "sql";

#define CELL_MAX 200 /* bytes of a text in a table */

/* In the order of enum form. */
static const char *const form_words[] = {"table", "csv", "json", NULL};

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct sql_options {
	char data[PATHS_MAX];
	int form;
	int64_t max_rows, time_ms;
	bool schema;
};

#define AT(field) OPTION_AT(struct sql_options, field)

static const struct option_row rows[] = {
	{.name = "data",
		.letter = 'd',
		.type = OPTION_TEXT,
		.unit = "DIR",
		AT(data),
		.help = "the daemon's data directory; default: as for serve"},
	{.name = "format",
		.letter = 'f',
		.type = OPTION_WORD,
		.unit = "FORMAT",
		.words = form_words,
		.fallback = "table",
		AT(form),
		.help = "how rows are printed; json: one object a line"},
	{.name = "max-rows",
		.letter = 'n',
		.type = OPTION_INT,
		.unit = "N",
		.min = 1,
		.max = 1000000000,
		.fallback = "10000",
		AT(max_rows),
		.help = "stop behind so many rows, and say so"},
	{.name = "time",
		.type = OPTION_DURATION,
		.unit = "TIME",
		.min = 1,
		.max = 600000,
		.fallback = "10s",
		AT(time_ms),
		.help = "stop after so long: a statement that runs keeps the daemon's log from "
			"being reset"},
	{.name = "schema",
		.type = OPTION_FLAG,
		AT(schema),
		.help = "list what can be asked for, with examples, and exit"},
};

const struct option_table sql_options = OPTION_TABLE(rows, struct sql_options);

struct out {
	int form;
	int n;
	char names[QUERY_COLS_MAX][64];
	const char *titles[QUERY_COLS_MAX];
	struct table *table;
};

/* ---- printing ---- */

static void csv_cell(const struct query_value *v)
{
	if (v->type == QUERY_BLOB) {
		for (int i = 0; i < v->bytes; i++)
			printf("%02x", ((const unsigned char *)v->blob)[i]);
		return;
	}
	if (!strpbrk(v->text, "\",\r\n")) {
		fputs(v->text, stdout);
		return;
	}
	putchar('"');
	for (const char *p = v->text; *p; p++) {
		if (*p == '"')
			putchar('"');
		putchar(*p);
	}
	putchar('"');
}

static void print_csv(int n, const struct query_value *v)
{
	for (int i = 0; i < n; i++) {
		if (i)
			putchar(',');
		csv_cell(&v[i]);
	}
	putchar('\n');
}

static void print_json(const struct out *o, int n, const struct query_value *v)
{
	struct json *row = json_new_object();
	char *text;

	for (int i = 0; i < n; i++) {
		const char *key = o->names[i];

		if (v[i].type == QUERY_INT)
			json_add_int(row, key, v[i].i);
		else if (v[i].type == QUERY_NUM)
			json_add_num(row, key, v[i].f);
		else if (v[i].type == QUERY_TEXT)
			json_add_str(row, key, v[i].text);
		else if (v[i].type == QUERY_NULL)
			json_add_null(row, key);
		else
			json_add_int(row, key, v[i].bytes);
	}
	text = json_print(row, false);
	printf("%s\n", text);
	mem_free(text);
	json_free(row);
}

static void add_to_table(struct out *o, int n, const struct query_value *v)
{
	char text[QUERY_COLS_MAX][CELL_MAX];
	const char *cells[QUERY_COLS_MAX];

	for (int i = 0; i < n; i++) {
		if (v[i].type == QUERY_BLOB)
			snprintf(text[i], CELL_MAX, "(%d bytes)", v[i].bytes);
		else
			str_copy_clean(text[i], CELL_MAX, v[i].text, strlen(v[i].text));
		cells[i] = text[i];
	}
	table_add(o->table, cells);
}

static int columns(void *arg, int n, const char *const *names)
{
	struct out *o = arg;

	o->n = n;
	for (int i = 0; i < n; i++) {
		str_copy_clean(o->names[i], sizeof(o->names[i]), names[i], strlen(names[i]));
		o->titles[i] = o->names[i];
	}
	if (o->form == FORM_TABLE)
		o->table = table_new(o->titles, n, 0);
	for (int i = 0; o->form == FORM_CSV && i < n; i++)
		printf("%s%s", i ? "," : "", names[i]);
	if (o->form == FORM_CSV)
		putchar('\n');
	return 0;
}

static int row(void *arg, int n, const struct query_value *v)
{
	struct out *o = arg;

	if (o->form == FORM_CSV)
		print_csv(n, v);
	else if (o->form == FORM_JSON)
		print_json(o, n, v);
	else
		add_to_table(o, n, v);
	return ferror(stdout) ? ERR_IO : 0;
}

/* ---- what there is ---- */

static int print_view(void *arg, const char *view, const char *what, const char *cols)
{
	(void)arg;
	printf("%s: %s\n    %s\n", view, what, cols);
	return 0;
}

static int print_schema(const char *dir, struct err *e)
{
	int rc = query_schema(dir, print_view, NULL, e);

	if (!rc)
		printf("\nBeside these: the tables of control.db (jobs, runs, attempts, …) and "
		       "samples.db "
		       "(s.streams, s.chunks, …),\nframefarm_values(DATA) and "
		       "framefarm_seconds(SECONDS) "
		       "over chunks.\n\nFor instance:\n"
		       "  SELECT id, name, verdict, branch FROM job ORDER BY id DESC LIMIT 10\n"
		       "  SELECT t_ns / 1e9 AS s, value FROM sample WHERE attempt = 9 AND stream = "
		       "'paced'\n"
		       "  SELECT r.id, count(*) AS n, sum(over) AS over FROM run r JOIN attempt a "
		       "ON a.run = "
		       "r.id\n    JOIN sample v ON v.attempt = a.id WHERE r.job = 17 AND stream = "
		       "'paced' "
		       "GROUP BY r.id\n"
		       "  SELECT second, max / 1e6 AS worst_ms FROM second WHERE attempt = 9 AND "
		       "stream = "
		       "'paced'\n");
	return rc;
}

static int exit_of(int rc)
{
	return rc == ERR_INVAL ? EXIT_USAGE : rc == ERR_PERM ? EXIT_PERMISSION : EXIT_GENERAL;
}

static int ask(const struct sql_options *so, const char *sql, struct err *e)
{
	struct out o = {.form = so->form};
	struct query q = {.dir = so->data,
		.sql = sql,
		.max_ms = so->time_ms,
		.max_rows = so->max_rows,
		.columns = columns,
		.row = row,
		.arg = &o};
	bool cut = false;
	int rc = query_run(&q, &cut, e);

	if (o.table && !rc)
		table_print(stdout, o.table, false);
	table_free(o.table);
	if (cut)
		fprintf(stderr, "there are more than %" PRId64 " rows; see --max-rows\n",
			so->max_rows);
	return rc;
}

int cmd_sql(int argc, char **argv)
{
	struct sql_options o;
	struct err e = {0};
	int n, rc = 0, code;

	if (!command_parse(name, argc, argv, &o, &n, &code))
		return code;
	if (!*o.data)
		rc = paths_data_dir(o.data, &e);
	if (!rc && n != !o.schema)
		rc = err_set(&e, ERR_INVAL, "give one statement in quotes, or --schema");
	if (!rc)
		rc = o.schema ? print_schema(o.data, &e) : ask(&o, argv[1], &e);
	return rc ? command_fail(name, &e, exit_of(rc)) : EXIT_PASS;
}
