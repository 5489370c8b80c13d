/* SPDX-License-Identifier: Apache-2.0 */
/* The table of subcommands; see command.h. A new one is a file, its function's line in command.h and
 * its entry here. */
#include "cmd/command.h"

#define WORDS_DEVICE "DEVICE is an id (d1) or a name."

const struct command commands[] = {
	{"serve", cmd_serve, "", 0, 0, COMMAND_ARG_NONE,
		"run the daemon: devices, queue, store, API and pages", &serve_options,
		"Runs in the foreground until SIGTERM or SIGINT, then lets what is under way come "
		"to a "
		"state that survives and ends.\n\n"
		"The first start makes the data directory and, in it, the admin token with which "
		"clients on the same host are let in. Every option may also stand in the file "
		"given "
		"with --config, as `name = value`."},
	{"run", cmd_run, "JOB.json", 1, 1, COMMAND_ARG_FILE,
		"submit a job, wait for it, print its result and exit with its code", &run_options,
		"Reads the job file (- is standard input), uploads the models and inputs that the "
		"daemon does not have yet, submits the job and follows it. Paths in the job are "
		"relative to the job file. stdout carries the result alone; progress goes to "
		"stderr.\n\n"
		"The exit code tells slow from broken: 0 all gates pass, 10 over the budget, 12 "
		"wrong "
		"outputs, 13 another gate, 15 inconclusive, 16 stopped waiting, 18 no device can "
		"ever "
		"match, 19 cancelled, 20 infrastructure; 2 is an invalid job, 3 no permission, 4 "
		"no "
		"daemon.\n\n"
		"The waiting outlives a restart of the daemon."},
	{"job list", cmd_job_list, "", 0, 0, COMMAND_ARG_NONE, "list jobs, newest first",
		&job_list_options, ""},
	{"job show", cmd_job_show, "JOB", 1, 1, COMMAND_ARG_NONE,
		"print a job's runs and what the gates say", &job_show_options,
		"JOB is an id (j17). The exit code is 0 whatever the verdict; `job wait` exits "
		"with the "
		"job's."},
	{"job wait", cmd_job_wait, "JOB", 1, 1, COMMAND_ARG_NONE,
		"wait for a job, print its result and exit with its code", &job_wait_options,
		"As `run` does once the job is submitted; JOB is an id (j17)."},
	{"job logs", cmd_job_logs, "JOB", 1, 1, COMMAND_ARG_NONE, "print what the runners wrote",
		&job_logs_options, "JOB is an id (j17)."},
	{"job cancel", cmd_job_cancel, "JOB", 1, 1, COMMAND_ARG_NONE, "cancel a job",
		&job_cancel_options, "JOB is an id (j17)."},
	{"job retry", cmd_job_retry, "JOB", 1, 1, COMMAND_ARG_NONE,
		"let a paused job go on, or submit one that has ended again", &job_retry_options,
		"A job of five devices or more, over a fifth of which fail, or that fails on three "
		"devices "
		"in turn, is paused: it is the "
		"job that is blamed. Once what was wrong is mended, this lets it go on where it "
		"stopped. A job that has ended is submitted once more, as a new job.\n\n"
		"stdout has the id of the job to wait for. JOB is an id (j17)."},
	{"job pin", cmd_job_pin, "JOB", 1, 1, COMMAND_ARG_NONE,
		"keep all data of a job, whatever their age", &job_pin_options,
		"Its values, events and uploaded files stay when others of their age go, and when "
		"a "
		"quota is full. What was removed before does not come back. JOB is an id (j17)."},
	{"job unpin", cmd_job_unpin, "JOB", 1, 1, COMMAND_ARG_NONE,
		"keep the data of a job as long as those of others", &job_pin_options,
		"JOB is an id (j17)."},
	{"job artifacts", cmd_job_artifacts, "JOB", 1, 1, COMMAND_ARG_NONE,
		"list or download what devices wrote about attempts that failed",
		&job_artifacts_options,
		"Phones keep logs (logcat, tombstones). They are fetched when an attempt failed or "
		"its runner crashed, hung or ran out of memory. JOB is an id (j17)."},
	{"device list", cmd_device_list, "", 0, 0, COMMAND_ARG_NONE,
		"list devices, their states and what they need", &device_list_options, ""},
	{"device show", cmd_device_show, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"print all that is known of a device", &device_show_options, WORDS_DEVICE},
	{"device quarantine", cmd_device_quarantine, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"take a device out of service", &device_admin_options,
		"It gets no new work until it is released. " WORDS_DEVICE},
	{"device release", cmd_device_release, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"put a quarantined device back into service", &device_admin_options, WORDS_DEVICE},
	{"device retire", cmd_device_retire, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"take a device out for good; its results stay", &device_admin_options,
		"There is no way back. " WORDS_DEVICE},
	{"device connect", cmd_device_connect, "ADDRESS", 1, 1, COMMAND_ARG_NONE,
		"connect to a phone at a network address, and keep it connected",
		&device_address_options,
		"ADDRESS is HOST:PORT: a phone listens there after `adb tcpip 5555`, a virtual one "
		"always. Or it is server:SERIAL: the phone that an adb server of the daemon's "
		"host keeps, and shall keep. The daemon remembers it, also over a restart."},
	{"device disconnect", cmd_device_disconnect, "ADDRESS", 1, 1, COMMAND_ARG_NONE,
		"let a network address be", &device_address_options, ""},
	{"device detach", cmd_device_detach, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"hand a free device to another tool of the daemon's host", &device_admin_options,
		"A phone's USB interface has one owner. Once it is detached, an adb server "
		"(Android "
		"Studio's, Appium's, yours) can have it, until `device attach`, also over a "
		"restart "
		"of the daemon. " WORDS_DEVICE},
	{"device attach", cmd_device_attach, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"take a detached device back", &device_admin_options,
		"The other tool must have let go of it: for an adb server, `adb -s SERIAL detach`, "
		"or the end of the server. " WORDS_DEVICE},
	{"device install", cmd_device_install, "DEVICE APK...", 2, 33, COMMAND_ARG_FILE,
		"install an application package on a device", &device_install_options,
		"Several files are a base and its splits. Files that the daemon does not have are "
		"uploaded first. " WORDS_DEVICE},
	{"device provision", cmd_device_provision, "DEVICE", 1, 1, COMMAND_ARG_NONE,
		"hold a device's settings against what a farm needs", &device_provision_options,
		"Prints each setting, what it should be and is, and what a person does where a "
		"program cannot. Exits with 0 when all are as they should be, with 1 "
		"otherwise. " WORDS_DEVICE},
	{"runtime add", cmd_runtime_add, "FILE", 1, 1, COMMAND_ARG_FILE,
		"register a runtime library that jobs may name", &runtime_add_options,
		"FILE is ONNX Runtime as a shared library (.so), or as an archive with one for "
		"each ABI (.aar: jni/ABI/lib*.so). A job asks for it by name, or by the first 12 "
		"digits of its hash, with \"runtime\" of its runner, and each device is then given "
		"the library for its ABI instead of the one that comes with the runner. A library "
		"that was made for Android needs the runner that `make agents NDK=DIR` builds."},
	{"runtime list", cmd_runtime_list, "", 0, 0, COMMAND_ARG_NONE,
		"list the registered runtimes", &runtime_list_options, ""},
	{"runtime remove", cmd_runtime_remove, "RUNTIME", 1, 1, COMMAND_ARG_NONE,
		"forget a runtime and its files", &runtime_remove_options,
		"RUNTIME is a name, or the first 12 or more digits of a hash. What runs with it "
		"goes on; a run that begins later ends with what is missing."},
	{"backup", cmd_backup, "DIR", 1, 1, COMMAND_ARG_FILE,
		"copy the whole farm into a new directory, while it runs", &backup_options,
		"DIR is on the daemon's host, is not there or empty, and its user can write it. In "
		"it "
		"are rows, samples, the uploads that somebody needs, runtimes and addresses, each "
		"with "
		"its hash in MANIFEST, which is written last: a directory without one is no "
		"backup. "
		"Tokens, TLS keys and the key that phones know are not in it."},
	{"restore", cmd_restore, "DIR", 1, 1, COMMAND_ARG_FILE, "make a data directory of a backup",
		&restore_options,
		"Checks all of the backup first. The directory must not be in use by a daemon."},
	{"store check", cmd_store_check, "", 0, 0, COMMAND_ARG_NONE,
		"check both files of a data directory, or of a backup, as a whole",
		&store_check_options,
		"Every page, index and reference; it takes as long as reading the files. A daemon "
		"may "
		"be at work, but its log grows meanwhile: of a large farm rather check a backup "
		"(`framefarm backup` does that by itself). Exits with 0 when all is whole."},
	{"sql", cmd_sql, "'SELECT ...'", 0, 1, COMMAND_ARG_NONE,
		"ask the data directory one question in SQL", &sql_options,
		"On the daemon's host, as a user who may read its data directory; with or without "
		"a "
		"daemon at work there. Nothing can be written. Views give names instead of "
		"numbers, "
		"and every value as a row: `framefarm sql --schema` lists them, with examples.\n\n"
		"In the stock sqlite3 shell (sqlite3 -readonly DATA/control.db): "
		"ATTACH 'DATA/samples.db' AS s; then .load framefarm_sql gives the same views."},
	{"doctor", cmd_doctor, "", 0, 0, COMMAND_ARG_NONE,
		"say what this host lacks, and the command that mends it", &doctor_options,
		"Exits with 0 when nothing fails, with 1 otherwise. A warning names what will be "
		"missing from results; a failure, what will not work at all."},
	{"completion", cmd_completion, "bash|zsh", 1, 1, COMMAND_ARG_SHELL,
		"print a shell's completion of this program", NULL,
		"For bash: framefarm completion bash > "
		"~/.local/share/bash-completion/completions/framefarm"},
	{"help", cmd_help, "[COMMAND]", 0, 2, COMMAND_ARG_COMMAND,
		"tell about the commands, or one of them", &help_options, ""},
	{"version", cmd_version, "", 0, 0, COMMAND_ARG_NONE, "print the version", &version_options,
		"With --all, also of what is shared with other programs and other versions of this "
		"one."},
};

const int n_commands = sizeof(commands) / sizeof(commands[0]);
