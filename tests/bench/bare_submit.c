/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bench_submit.py holds a submission against: one durable commit of one row, and one process, from
 * posix_spawn() to its exec. For each line on stdin it does both and prints the nanoseconds of each.
 *
 *	bare_submit DATABASE PROGRAM
 *
 * The database is set up as the store's are: WAL, synchronous=FULL. posix_spawn() returns once the
 * program's exec has happened or failed (glibc shares the memory until then).
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <sqlite3.h>

#define ROW_BYTES 2048 /* about a small job and its run */

extern char **environ;

static sqlite3 *db;
static sqlite3_stmt *insert;

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bare_submit: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
	exit(1);
}

static void open_database(const char *path)
{
	must(sqlite3_open(path, &db) == SQLITE_OK, path);
	must(sqlite3_exec(db,
		     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		     "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT) STRICT",
		     NULL, NULL, NULL) == SQLITE_OK,
		"schema");
	must(sqlite3_prepare_v2(db, "INSERT INTO rows (text) VALUES (?)", -1, &insert, NULL) ==
			SQLITE_OK,
		"insert");
}

static long long commit_one(void)
{
	char text[ROW_BYTES];
	long long began = now_ns();

	memset(text, 'x', sizeof(text));
	sqlite3_bind_text(insert, 1, text, sizeof(text), SQLITE_STATIC);
	must(sqlite3_step(insert) == SQLITE_DONE, "commit");
	sqlite3_reset(insert);
	return now_ns() - began;
}

static long long spawn_one(char *program)
{
	char version[] = "--version";
	char *argv[] = {program, version, NULL};
	posix_spawn_file_actions_t quiet;
	long long began, ns;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
	began = now_ns();
	must(!posix_spawn(&pid, program, &quiet, NULL, argv, environ), program);
	ns = now_ns() - began;
	waitpid(pid, NULL, 0);
	posix_spawn_file_actions_destroy(&quiet);
	return ns;
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc != 3) {
		fprintf(stderr, "usage: bare_submit DATABASE PROGRAM\n");
		return 2;
	}
	open_database(argv[1]);
	while (fgets(line, sizeof(line), stdin)) {
		long long commit = commit_one();

		printf("%lld %lld\n", commit, spawn_one(argv[2]));
		fflush(stdout);
	}
	return 0;
}
