/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a configuration file, by the same table as the command line's; see options.h. */
#include "cmd/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/options_internal.h"

#define VALUE_MAX OPTION_PATH_MAX

static const char *const blanks = " \t\r";

static size_t skip_blanks(const char *line, size_t n, size_t i)
{
	while (i < n && strchr(blanks, line[i]))
		i++;
	return i;
}

/* Reads `"…"` at line[i], where \" and \\ stand for themselves; *ret_end is behind the quote. */
static int read_quoted(
	const char *line, size_t n, size_t i, char *dst, size_t *ret_end, struct err *e)
{
	size_t len = 0;

	for (i++; i < n && line[i] != '"'; i++) {
		if (line[i] == '\\' && i + 1 < n && (line[i + 1] == '"' || line[i + 1] == '\\'))
			i++;
		if (len + 1 >= VALUE_MAX)
			return err_set(
				e, ERR_RANGE, "the value is longer than %d bytes", VALUE_MAX - 1);
		dst[len++] = line[i];
	}
	if (i >= n)
		return err_set(e, ERR_PARSE, "the quote is never closed");
	dst[len] = '\0';
	*ret_end = i + 1;
	return 0;
}

/* An unquoted value goes to the end of the line or to a blank and `#`. */
static int read_plain(
	const char *line, size_t n, size_t i, char *dst, size_t *ret_end, struct err *e)
{
	size_t from = i, end = i;

	for (; i < n; i++) {
		if (line[i] == '#' && (i == from || strchr(blanks, line[i - 1])))
			break;
		if (!strchr(blanks, line[i]))
			end = i + 1;
	}
	if (end - from >= VALUE_MAX)
		return err_set(e, ERR_RANGE, "the value is longer than %d bytes", VALUE_MAX - 1);
	memcpy(dst, line + from, end - from);
	dst[end - from] = '\0';
	*ret_end = i;
	return 0;
}

static int read_value(const char *line, size_t n, size_t i, char *dst, struct err *e)
{
	size_t end = i;
	int rc;

	i = skip_blanks(line, n, i);
	rc = i < n && line[i] == '"' ? read_quoted(line, n, i, dst, &end, e)
	                             : read_plain(line, n, i, dst, &end, e);
	if (rc)
		return rc;
	end = skip_blanks(line, n, end);
	if (end < n && line[end] != '#')
		return err_set(e, ERR_PARSE, "there is text behind the value: \"%.*s\"",
			(int)(n - end > 40 ? 40 : n - end), line + end);
	return 0;
}

/* Reads a value that the command line overrides, so that a bad file never lies in wait. */
static int try_value(const struct option_set *set, const struct option_row *row, const char *value,
	struct err *e)
{
	struct option_set trial = *set;
	int rc;

	trial.out = mem_zalloc(set->size);
	rc = option_set_value(&trial, row, value, e);
	mem_free(trial.out);
	return rc;
}

/* The file's text is gone when its reading is over: the list keeps its own. */
static int add_own(const struct option_set *set, const struct option_row *row, const char *value,
	struct err *e)
{
	struct option_list *l = (struct option_list *)((char *)set->out + row->off);
	char *own = mem_strdup(value);
	int rc = *value ? option_set_value((struct option_set *)set, row, own, e)
	                : err_set(e, ERR_INVAL, "the value is empty");

	if (rc)
		mem_free(own);
	else
		l->owned[l->n - 1] = true;
	return rc;
}

static int set_from_file(
	struct option_set *set, const struct option_row *row, const char *value, struct err *e)
{
	if (set->given[row - set->rows])
		return try_value(set, row, value, e);
	if (row->type == OPTION_LIST)
		return add_own(set, row, value, e);
	return option_set_value(set, row, value, e);
}

/* A shell puts the home directory in for "~/" on the command line; here nobody else does. */
static int expand_home(
	const struct option_row *row, const char *value, char full[VALUE_MAX], struct err *e)
{
	bool path = row->unit && (!strcmp(row->unit, "FILE") || !strcmp(row->unit, "DIR"));
	const char *home = path && !strncmp(value, "~/", 2) ? getenv("HOME") : NULL;

	if (snprintf(full, VALUE_MAX, "%s%s", home ? home : "", value + !!home) >= VALUE_MAX)
		return err_set(e, ERR_RANGE, "%s: the value is longer than %d bytes", row->name,
			VALUE_MAX - 1);
	return 0;
}

static int take_key(
	struct option_set *set, const char *key, size_t n, const char *value, struct err *e)
{
	const struct option_row *row = option_by_name(set, key, n);
	int shown = n > 60 ? 60 : (int)n, rc;
	char full[VALUE_MAX];
	long i;

	if (!row)
		return err_set(e, ERR_INVAL, "there is no key \"%.*s\"", shown, key);
	if (row->no_file)
		return err_set(
			e, ERR_INVAL, "\"%.*s\" can only be given on the command line", shown, key);
	i = row - set->rows;
	if (set->in_file[i] && row->type != OPTION_LIST)
		return err_set(e, ERR_EXISTS, "the key \"%.*s\" is there twice", shown, key);
	set->in_file[i] = true;
	rc = expand_home(row, value, full, e);
	if (rc)
		return rc;
	rc = set_from_file(set, row, full, e);
	return rc ? err_wrap(e, "%s", row->name) : 0;
}

static int read_line(struct option_set *set, const char *line, size_t n, struct err *e)
{
	static const char key_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	char value[VALUE_MAX];
	size_t from = skip_blanks(line, n, 0), end = from, i;
	int rc;

	if (from == n || line[from] == '#')
		return 0;
	while (end < n && strchr(key_bytes, line[end]))
		end++;
	i = skip_blanks(line, n, end);
	if (end == from || i == n || line[i] != '=')
		return err_set(e, ERR_PARSE, "this is not `key = value`");
	rc = read_value(line, n, i + 1, value, e);
	return rc ? rc : take_key(set, line + from, end - from, value, e);
}

int options_read_text(
	struct option_set *set, const char *path, const char *text, size_t n, struct err *e)
{
	int number = 1;

	if (!str_is_utf8(text, n) || memchr(text, '\0', n))
		return err_set(e, ERR_PARSE, "%s is not UTF-8 text", path);
	for (size_t i = 0; i < n; number++) {
		const char *nl = memchr(text + i, '\n', n - i);
		size_t len = nl ? (size_t)(nl - (text + i)) : n - i;
		int rc = read_line(set, text + i, len, e);

		if (rc) {
			err_wrap(e, "%s:%d", path, number);
			return rc;
		}
		i += len + 1;
	}
	return 0;
}

int options_read_file(struct option_set *set, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;
	int rc;

	if (!f)
		return err_errno(e, errno, "the configuration file %s cannot be read", path);
	text = mem_alloc(OPTION_FILE_MAX + 1);
	n = fread(text, 1, OPTION_FILE_MAX + 1, f);
	if (ferror(f))
		rc = err_errno(e, errno, "the configuration file %s cannot be read", path);
	else if (n > OPTION_FILE_MAX)
		rc = err_set(e, ERR_TOOBIG, "the configuration file %s has more than %d bytes",
			path, OPTION_FILE_MAX);
	else
		rc = options_read_text(set, path, text, n, e);
	fclose(f);
	mem_free(text);
	return rc;
}
