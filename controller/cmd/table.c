/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of text; see table.h. */
#include "cmd/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define GAP 2 /* blanks between columns */

struct table {
	const char *const *titles;
	int n_cols, n_rows;
	unsigned right;
	char **cells; /* row by row */
};

struct table *table_new(const char *const *titles, int n_cols, unsigned right)
{
	struct table *t = mem_zalloc(sizeof(*t));

	assert(n_cols >= 1 && n_cols <= TABLE_COLS_MAX);
	t->titles = titles;
	t->n_cols = n_cols;
	t->right = right;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->n_rows * t->n_cols; i++)
		mem_free(t->cells[i]);
	mem_free(t->cells);
	mem_free(t);
}

void table_add(struct table *t, const char *const *cells)
{
	t->cells =
		mem_realloc(t->cells, (size_t)(t->n_rows + 1) * (size_t)t->n_cols, sizeof(char *));
	for (int i = 0; i < t->n_cols; i++)
		t->cells[t->n_rows * t->n_cols + i] = mem_strdup(cells[i]);
	t->n_rows++;
}

/* Characters, near enough to columns: every byte but UTF-8's continuations. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static const char *color_of(const char *word)
{
	static const struct {
		const char *word, *code;
	} known[] = {
		{"pass", "32"},
		{"ok", "32"},
		{"ready", "32"},
		{"fail", "31"},
		{"errored", "31"},
		{"infrastructure", "31"},
		{"timed_out", "31"},
		{"quarantined", "31"},
		{"inconclusive", "33"},
		{"warn", "33"},
		{"cancelled", "33"},
		{"needs_human", "33"},
		{"unsatisfiable", "31"},
		{"paused", "33"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].word, word))
			return known[i].code;
	return NULL;
}

void table_word(FILE *f, const char *word, bool color)
{
	const char *code = color ? color_of(word) : NULL;

	if (code)
		fprintf(f, "\033[%sm%s\033[0m", code, word);
	else
		fputs(word, f);
}

bool table_color(FILE *f, bool no_color)
{
	const char *term = getenv("TERM"), *unwanted = getenv("NO_COLOR");

	return !no_color && !(unwanted && *unwanted) && term && strcmp(term, "dumb") &&
	       isatty(fileno(f));
}

static void print_cell(
	FILE *f, const struct table *t, int col, const char *text, int wide, bool color)
{
	int pad = wide - width(text);
	bool last = col == t->n_cols - 1, right = t->right & (1u << col);

	if (right)
		fprintf(f, "%*s", pad, "");
	table_word(f, text, color);
	if (!last)
		fprintf(f, "%*s", (right ? 0 : pad) + GAP, "");
}

void table_print(FILE *f, const struct table *t, bool color)
{
	int wide[TABLE_COLS_MAX];

	for (int c = 0; c < t->n_cols; c++) {
		wide[c] = width(t->titles[c]);
		for (int r = 0; r < t->n_rows; r++) {
			int w = width(t->cells[r * t->n_cols + c]);

			wide[c] = w > wide[c] ? w : wide[c];
		}
	}
	for (int c = 0; c < t->n_cols; c++)
		print_cell(f, t, c, t->titles[c], wide[c], false);
	fputc('\n', f);
	for (int r = 0; r < t->n_rows; r++) {
		for (int c = 0; c < t->n_cols; c++)
			print_cell(f, t, c, t->cells[r * t->n_cols + c], wide[c], color);
		fputc('\n', f);
	}
}
