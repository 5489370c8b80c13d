/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options, described once. A command declares a struct for its values and a table of rows; from the
 * table come the parser of the command line, the reader of a configuration file, --help, the man
 * page and the shells' completion. A value that stands in several places is taken from the command
 * line, else from the file, else from the row's default.
 *
 *	struct wait_options {
 *		int64_t wait_ms;
 *	};
 *	static const struct option_row rows[] = {
 *		{.name = "wait-timeout", .type = OPTION_DURATION, .unit = "TIME", .fallback = "0",
 *			.max = 7 * 86400000LL, OPTION_AT(struct wait_options, wait_ms),
 *			.help = "stop waiting after TIME; 0 waits as long as it takes"},
 *	};
 *	const struct option_table wait_options = OPTION_TABLE(rows, struct wait_options);
 *
 * Pure but for options_read_file(). One owner.
 */
#ifndef FRAMEFARM_CMD_OPTIONS_H
#define FRAMEFARM_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct option_table;

#define OPTION_ROWS_MAX 64
#define OPTION_LIST_MAX 256 /* as many addresses as the adb driver keeps */
#define OPTION_PATH_MAX 4096
#define OPTION_FILE_MAX (64 * 1024) /* bytes of a configuration file */

enum option_type {
	OPTION_FLAG,     /* bool; in a file: yes or no */
	OPTION_INT,      /* int64_t within min…max */
	OPTION_DURATION, /* int64_t, milliseconds within min…max, written "1h30m" */
	OPTION_BYTES,    /* int64_t within min…max, written "20MiB" */
	OPTION_TEXT,     /* char[size]; an empty one is refused */
	OPTION_WORD,     /* int: the index of the word in `words` */
	OPTION_LIST,     /* struct option_list: may be given several times */
};

/* Texts are borrowed from argv, or the list's own where they came from a file, in which the key may
 * stand several times. */
struct option_list {
	int n;
	const char *items[OPTION_LIST_MAX];
	bool owned[OPTION_LIST_MAX];
};

/* Frees what is the list's own. */
void option_list_fini(struct option_list *l);

struct option_row {
	const char *name; /* long, without the dashes; also the key in a file */
	char letter;      /* short, or 0 */
	bool no_file;     /* makes no sense in a configuration file */
	enum option_type type;
	int64_t min, max;         /* of a number; max 0: no bound above */
	const char *const *words; /* of an OPTION_WORD, NULL-terminated */
	const char *unit;         /* what the help calls the value: "FILE"; NULL: WORD or VALUE */
	const char *fallback;     /* the default as one would write it; NULL: 0, false, "" */
	const char *help;         /* a sentence without its full stop, one line of any length */
	size_t off, size;
	const struct option_table *part; /* not an option: the rows of this table, at off */
};

#define OPTION_AT(type, field) .off = offsetof(type, field), .size = sizeof(((type *)0)->field)

/* Options that several commands share: their struct is a member of the command's. */
#define OPTION_PART(type, field, table)                                                            \
	{                                                                                          \
		.off = offsetof(type, field), .part = &(table)                                     \
	}

struct option_table {
	const struct option_row *rows;
	int n;
	size_t size; /* of the struct of values */
};

/* All options of a table with its parts in their places; returns how many. */
int options_rows(const struct option_table *t, struct option_row ret_rows[OPTION_ROWS_MAX]);

#define OPTION_TABLE(rows, type)                                                                   \
	{                                                                                          \
		rows, (int)(sizeof(rows) / sizeof((rows)[0])), sizeof(type)                        \
	}

/* One reading of a table's options into a struct. */
struct option_set {
	struct option_row rows[OPTION_ROWS_MAX];
	int n;
	size_t size; /* of what is at out */
	void *out;
	bool given[OPTION_ROWS_MAX];   /* on the command line */
	bool in_file[OPTION_ROWS_MAX]; /* in the configuration file */
};

/* Binds set to table and out and writes the defaults. Aborts on a table that contradicts itself. */
void options_init(struct option_set *set, const struct option_table *table, void *out);

#define OPTIONS_HELP 1 /* --help or -h was there */

/*
 * Reads argv[1…]. Options and arguments may be mixed; "--" ends the options. The arguments are moved
 * to argv[1…*ret_n]. Returns 0, OPTIONS_HELP (at the first -h or --help), or ERR_INVAL or ERR_RANGE
 * with a sentence.
 */
int options_parse(struct option_set *set, int argc, char **argv, int *ret_n, struct err *e);

/*
 * Reads a configuration file: lines of `key = value`, where a value may stand in double quotes; `#`
 * begins a comment. What the command line gave wins. Unknown and doubled keys and bad values are
 * refused with "FILE:LINE: …". Returns 0 or a negative code.
 */
int options_read_file(struct option_set *set, const char *path, struct err *e);
/* The same for text that is in memory; `path` is for messages. */
int options_read_text(
	struct option_set *set, const char *path, const char *text, size_t n, struct err *e);

/* The row's range and default as a person reads them: "1 to 64; default 4"; "" when there is nothing
 * to say. */
void option_range(char *dst, size_t size, const struct option_row *row);

#endif
