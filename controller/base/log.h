/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line a fact, `key=value`, on stderr (with journald's priority prefix when it listens).
 * Foreign bytes are escaped, and a line that repeats within a second is counted instead of
 * printed. Any thread.
 *
 *	log_warn("event=push_failed device=%s cause=\"%s\"", id, e.text);
 */
#ifndef FRAMEFARM_BASE_LOG_H
#define FRAMEFARM_BASE_LOG_H

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level); /* LOG_LEVEL_INFO at start */
/* "err", "warn", "info", "debug"; returns -1 for another word. */
int log_level_parse(const char *s);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
