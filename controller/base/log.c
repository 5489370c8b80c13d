/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines; see log.h. A mutex guards the state of the repeat filter and keeps lines whole. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_LINE_MAX  2048
#define LOG_REPEAT_MS 1000

static const char *const level_names[] = {"err", "warn", "info", "debug"};
static const int syslog_prio[] = {3, 4, 6, 7};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level max_level = LOG_LEVEL_INFO;
static char last[LOG_LINE_MAX];
static int64_t last_ms;
static unsigned repeats;

void log_set_level(enum log_level level)
{
	pthread_mutex_lock(&lock);
	max_level = level;
	pthread_mutex_unlock(&lock);
}

int log_level_parse(const char *s)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(s, level_names[i]))
			return i;
	return -1;
}

/* Control characters and bytes that could end the line or steer a terminal become \xNN. */
static void escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src && n + 5 < size; src++) {
		unsigned char c = *src;

		if (c >= 0x20 && c != 0x7f)
			dst[n++] = c;
		else
			n += snprintf(dst + n, size - n, "\\x%02x", c);
	}
	dst[n] = '\0';
}

/* JOURNAL_STREAM names the device and inode of what the manager made our stderr; whoever sends it elsewhere
 * leaves the variable as it is (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *named = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return named && sscanf(named, "%llu:%llu", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == dev && st.st_ino == ino;
}

static void emit(enum log_level level, const char *line)
{
	char out[LOG_LINE_MAX + 64];
	int n;

	if (is_journal())
		n = snprintf(out, sizeof(out), "<%d>%s\n", syslog_prio[level], line);
	else
		n = snprintf(out, sizeof(out), "%s %s\n", level_names[level], line);
	/* One write keeps lines of several processes apart; a closed stderr is nobody's business.
	 * */
	if (write(STDERR_FILENO, out, n) < 0)
		return;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char raw[LOG_LINE_MAX], line[LOG_LINE_MAX], note[64];
	int64_t now = clock_mono_ms();
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	escape(line, sizeof(line), raw);

	pthread_mutex_lock(&lock);
	if (level > max_level)
		goto out;
	if (!strcmp(line, last) && now - last_ms < LOG_REPEAT_MS) {
		repeats++;
		goto out;
	}
	if (repeats) {
		snprintf(note, sizeof(note), "event=repeated times=%u", repeats);
		emit(level, note);
	}
	repeats = 0;
	last_ms = now;
	memcpy(last, line, sizeof(last));
	emit(level, line);
out:
	pthread_mutex_unlock(&lock);
}
