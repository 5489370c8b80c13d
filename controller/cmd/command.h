/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `framefarm`: one hand-written table. A command is one file with one function, a
 * table of options and one line in commands.c; parsing, --help, `framefarm help`, the man page and
 * the shells' completion come from the table.
 */
#ifndef FRAMEFARM_CMD_COMMAND_H
#define FRAMEFARM_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "cmd/options.h"

/* What an argument is, for the shells' completion. */
enum command_arg { COMMAND_ARG_NONE, COMMAND_ARG_FILE, COMMAND_ARG_COMMAND, COMMAND_ARG_SHELL };

struct command {
	const char *name; /* one or two words: "run", "job list" */
	/* Gets argv with argv[0] being the command's last word; returns the exit code. */
	int (*run)(int argc, char **argv);
	const char *args; /* in the synopsis: "JOB.json", "" for none */
	int min_args, max_args;
	enum command_arg arg;
	const char *summary;                /* for lists: no capital, no full stop */
	const struct option_table *options; /* NULL: none but --help */
	const char *help;                   /* paragraphs between empty lines; "" for none */
};

extern const struct command commands[];
extern const int n_commands;

/* The command whose name is the first one or two of argc words; NULL when there is none. *ret_words
 * (may be NULL) is how many it took. */
const struct command *command_find(int argc, char *const *argv, int *ret_words);

/*
 * What each command does first: reads its options into `out` and checks the number of arguments,
 * which are then argv[1…*ret_n]. False when the command is over, with *ret_exit: --help was printed,
 * or the usage was wrong and that was said.
 */
bool command_parse(const char *name, int argc, char **argv, void *out, int *ret_n, int *ret_exit);
/* The same, and hands out the set, for a command that reads a configuration file as well. */
bool command_parse_set(const char *name, int argc, char **argv, struct option_set *set, void *out,
	int *ret_n, int *ret_exit);

/* "framefarm run: <e->text>" on stderr; returns exit_code. */
int command_fail(const char *name, const struct err *e, int exit_code);

/* ---- the commands, one a file ---- */

int cmd_serve(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_job_list(int argc, char **argv);
int cmd_job_show(int argc, char **argv);
int cmd_job_wait(int argc, char **argv);
int cmd_job_logs(int argc, char **argv);
int cmd_job_cancel(int argc, char **argv);
int cmd_job_pin(int argc, char **argv);
int cmd_job_unpin(int argc, char **argv);
int cmd_job_retry(int argc, char **argv);
int cmd_job_artifacts(int argc, char **argv);
int cmd_device_list(int argc, char **argv);
int cmd_device_show(int argc, char **argv);
int cmd_device_quarantine(int argc, char **argv);
int cmd_device_release(int argc, char **argv);
int cmd_device_retire(int argc, char **argv);
int cmd_device_connect(int argc, char **argv);
int cmd_device_disconnect(int argc, char **argv);
int cmd_device_detach(int argc, char **argv);
int cmd_device_attach(int argc, char **argv);
int cmd_device_install(int argc, char **argv);
int cmd_device_provision(int argc, char **argv);
int cmd_runtime_add(int argc, char **argv);
int cmd_runtime_list(int argc, char **argv);
int cmd_runtime_remove(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_store_check(int argc, char **argv);
int cmd_sql(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_version(int argc, char **argv);

extern const struct option_table serve_options, run_options, job_list_options, job_show_options,
	job_wait_options, job_logs_options, job_cancel_options, job_pin_options, job_retry_options,
	job_artifacts_options, device_list_options, device_address_options, device_install_options,
	device_provision_options, device_show_options, device_admin_options, backup_options,
	restore_options, sql_options, store_check_options, doctor_options, help_options,
	runtime_add_options, runtime_list_options, runtime_remove_options, version_options;

#endif
