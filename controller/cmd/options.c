/* SPDX-License-Identifier: Apache-2.0 */
/* Options from the command line, by table; see options.h. */
#include "cmd/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/options_internal.h"
#include "cmd/units.h"

/* ---- one value ---- */

static void *field(const struct option_set *set, const struct option_row *row)
{
	return (char *)set->out + row->off;
}

static void print_number(char dst[UNITS_TEXT], const struct option_row *row, int64_t v)
{
	if (row->type == OPTION_DURATION)
		units_duration(dst, v);
	else if (row->type == OPTION_BYTES)
		units_bytes_exact(dst, v);
	else
		snprintf(dst, UNITS_TEXT, "%" PRId64, v);
}

static int set_number(int64_t *dst, const struct option_row *row, const char *text, struct err *e)
{
	char low[UNITS_TEXT], high[UNITS_TEXT];
	int64_t v;

	switch (row->type) {
	case OPTION_DURATION:
		if (!units_parse_duration(text, &v))
			return err_set(e, ERR_INVAL,
				"\"%.60s\" is no time; write one like 90s, 5m or 1h30m", text);
		break;
	case OPTION_BYTES:
		if (!units_parse_bytes(text, &v))
			return err_set(e, ERR_INVAL,
				"\"%.60s\" is no size; write one like 512MiB or 2GiB", text);
		break;
	default:
		if (!str_to_i64(text, &v))
			return err_set(e, ERR_INVAL, "\"%.60s\" is no whole number", text);
	}
	if (v < row->min || (row->max && v > row->max)) {
		print_number(low, row, row->min);
		print_number(high, row, row->max);
		if (!row->max)
			return err_set(e, ERR_RANGE, "%.60s is too small; it must be at least %s",
				text, low);
		return err_set(e, ERR_RANGE, "%.60s is out of range; it must be from %s to %s",
			text, low, high);
	}
	*dst = v;
	return 0;
}

static int set_flag(bool *dst, const char *text, struct err *e)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return err_set(e, ERR_INVAL, "\"%.60s\" must be yes or no", text);
	*dst = !strcmp(text, "yes");
	return 0;
}

static int set_word(int *dst, const struct option_row *row, const char *text, struct err *e)
{
	char all[256] = "";
	size_t n = 0;

	for (int i = 0; row->words[i]; i++) {
		if (!strcmp(row->words[i], text)) {
			*dst = i;
			return 0;
		}
		if (n < sizeof(all))
			n += snprintf(
				all + n, sizeof(all) - n, "%s%s", i ? ", " : "", row->words[i]);
	}
	return err_set(e, ERR_INVAL, "\"%.60s\" must be one of %s", text, all);
}

static int add_item(struct option_list *dst, const char *text, struct err *e)
{
	if (dst->n == OPTION_LIST_MAX)
		return err_set(e, ERR_RANGE, "given more than %d times", OPTION_LIST_MAX);
	dst->items[dst->n++] = text;
	return 0;
}

void option_list_fini(struct option_list *l)
{
	for (int i = 0; i < l->n; i++)
		if (l->owned[i])
			mem_free((char *)l->items[i]);
	*l = (struct option_list){0};
}

int option_set_value(
	struct option_set *set, const struct option_row *row, const char *text, struct err *e)
{
	void *dst = field(set, row);

	switch (row->type) {
	case OPTION_FLAG:
		return set_flag(dst, text, e);
	case OPTION_WORD:
		return set_word(dst, row, text, e);
	case OPTION_LIST:
		return add_item(dst, text, e);
	case OPTION_TEXT:
		if (!*text)
			return err_set(e, ERR_INVAL, "the value is empty");
		if (strlen(text) >= row->size)
			return err_set(
				e, ERR_RANGE, "the value is longer than %zu bytes", row->size - 1);
		str_copy(dst, row->size, text);
		return 0;
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_BYTES:
		break;
	}
	return set_number(dst, row, text, e);
}

/* ---- the table ---- */

static void add_rows(const struct option_table *t, size_t off, struct option_row *rows, int *n)
{
	for (int i = 0; i < t->n; i++) {
		if (t->rows[i].part) {
			add_rows(t->rows[i].part, off + t->rows[i].off, rows, n);
			continue;
		}
		assert(*n < OPTION_ROWS_MAX);
		rows[*n] = t->rows[i];
		rows[*n].off += off;
		if (!rows[*n].unit)
			rows[*n].unit = rows[*n].type == OPTION_WORD ? "WORD" : "VALUE";
		(*n)++;
	}
}

int options_rows(const struct option_table *t, struct option_row ret_rows[OPTION_ROWS_MAX])
{
	int n = 0;

	add_rows(t, 0, ret_rows, &n);
	return n;
}

void options_init(struct option_set *set, const struct option_table *table, void *out)
{
	struct err e = {0};

	memset(set, 0, sizeof(*set));
	set->n = options_rows(table, set->rows);
	set->size = table->size;
	set->out = out;
	memset(out, 0, table->size);
	for (int i = 0; i < set->n; i++) {
		const struct option_row *row = &set->rows[i];

		assert(row->off + row->size <= table->size);
		if (row->fallback && option_set_value(set, row, row->fallback, &e))
			assert(!"a default is out of its own range");
	}
}

const struct option_row *option_by_name(const struct option_set *set, const char *name, size_t n)
{
	for (int i = 0; i < set->n; i++)
		if (strlen(set->rows[i].name) == n && !memcmp(set->rows[i].name, name, n))
			return &set->rows[i];
	return NULL;
}

static const struct option_row *by_letter(const struct option_set *set, char letter)
{
	for (int i = 0; i < set->n; i++)
		if (set->rows[i].letter == letter)
			return &set->rows[i];
	return NULL;
}

/* ---- the command line ---- */

struct reader {
	struct option_set *set;
	int argc;
	char **argv;
	int next; /* index of the argument that comes next */
	struct err *err;
};

static int take_value(struct reader *r, const struct option_row *row, const char *text)
{
	long i = row - r->set->rows;

	if (r->set->given[i] && row->type != OPTION_LIST)
		return err_set(r->err, ERR_INVAL, "--%s is there twice", row->name);
	r->set->given[i] = true;
	if (row->type == OPTION_FLAG) {
		*(bool *)field(r->set, row) = true;
		return 0;
	}
	if (!text && r->next == r->argc)
		return err_set(r->err, ERR_INVAL, "--%s needs a value (%s)", row->name, row->unit);
	if (!text)
		text = r->argv[r->next++];
	if (option_set_value(r->set, row, text, r->err))
		return err_wrap(r->err, "--%s", row->name);
	return 0;
}

static int read_long(struct reader *r, const char *arg)
{
	size_t n = strcspn(arg, "=");
	const struct option_row *row = option_by_name(r->set, arg, n);

	if (!strcmp(arg, "help"))
		return OPTIONS_HELP;
	if (!row)
		return err_set(r->err, ERR_INVAL, "there is no option --%.*s",
			(int)(n > 60 ? 60 : n), arg);
	if (row->type == OPTION_FLAG && arg[n])
		return err_set(r->err, ERR_INVAL, "--%s takes no value", row->name);
	return take_value(r, row, arg[n] ? arg + n + 1 : NULL);
}

/* "-n", "-nq", "-o FILE", "-oFILE". */
static int read_short(struct reader *r, const char *arg)
{
	for (; *arg; arg++) {
		const struct option_row *row = by_letter(r->set, *arg);
		int rc;

		if (*arg == 'h' && !row)
			return OPTIONS_HELP;
		if (!row)
			return err_set(r->err, ERR_INVAL, "there is no option -%c", *arg);
		if (row->type != OPTION_FLAG)
			return take_value(r, row, arg[1] ? arg + 1 : NULL);
		rc = take_value(r, row, NULL);
		if (rc)
			return rc;
	}
	return 0;
}

int options_parse(struct option_set *set, int argc, char **argv, int *ret_n, struct err *e)
{
	struct reader r = {set, argc, argv, 1, e};
	bool only_args = false;
	int n = 0, rc = 0;

	while (r.next < argc && !rc) {
		char *arg = argv[r.next++];

		if (only_args || arg[0] != '-' || !arg[1])
			argv[1 + n++] = arg;
		else if (!strcmp(arg, "--"))
			only_args = true;
		else if (arg[1] == '-')
			rc = read_long(&r, arg + 2);
		else
			rc = read_short(&r, arg + 1);
	}
	if (!rc)
		*ret_n = n;
	return rc;
}

void option_range(char *dst, size_t size, const struct option_row *row)
{
	char low[UNITS_TEXT], high[UNITS_TEXT];
	bool number = row->type == OPTION_INT || row->type == OPTION_DURATION ||
	              row->type == OPTION_BYTES;
	int n = 0;

	*dst = '\0';
	if (number && row->max) {
		print_number(low, row, row->min);
		print_number(high, row, row->max);
		n = snprintf(dst, size, "%s to %s", low, high);
	}
	for (int i = 0; row->type == OPTION_WORD && row->words[i] && n < (int)size; i++)
		n += snprintf(dst + n, size - n, "%s%s", i ? ", " : "", row->words[i]);
	if (row->fallback && n < (int)size)
		snprintf(dst + n, size - n, "%sdefault %s", n ? "; " : "", row->fallback);
}
