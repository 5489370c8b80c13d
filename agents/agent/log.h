/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's log: lines of key=value in a file that never grows beyond LOG_FILE_MAX; the one
 * before is kept as FILE.1. Foreign bytes are escaped, a line that repeats too fast is counted
 * instead of written. Before log_open() lines go to stderr. One thread; the only state that this
 * program keeps for itself, since everything may have something to say.
 */
#ifndef FRAMEFARM_AGENT_LOG_H
#define FRAMEFARM_AGENT_LOG_H

#include <stdint.h>

#define LOG_FILE_MAX (512 * 1024)
#define LOG_LINE_MAX 1024
#define LOG_BURST    20 /* lines of one kind each ten seconds */

struct timesrc;

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go from now on, and which clock stamps them. With path NULL they stay on stderr.
 * Borrows both until log_close(). Returns 0 or -errno. */
int log_open(const char *path, const struct timesrc *ts);
/* Makes the log's file the process's stdout and stderr too, now and after each change of file. */
void log_take_stdio(void);
void log_close(void);

/* fmt names the event first: "event=runner-start attempt=%lld". */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)  log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
