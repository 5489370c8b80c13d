/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager; see notify.h. */
#include "cmd/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define EXTEND_TIMES 3 /* of extend_ms that are asked for: two that are late do no harm */

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t alive_ms;
	char status[NOTIFY_TEXT_MAX];

	/* The start. */
	int64_t extend_ms;
	bool starting;
	pthread_t thread;
	pthread_mutex_t lock; /* of ready */
	pthread_cond_t changed;
	bool ready;
};

/* ---- the socket ---- */

/* "/run/…", or "@name" for the abstract name space. */
static bool set_address(struct notify *n, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	return true;
}

static void say(struct notify *n, const char *text)
{
	/* Does not wait: a manager that does not read is no reason for us to stand still. */
	if (sendto(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		    (struct sockaddr *)&n->to, n->to_len) < 0)
		log_debug("event=notify_failed cause=\"%s\"", strerror(errno));
}

/* WATCHDOG_PID names another process where the variables were inherited. */
static int64_t read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t v, of;

	if (!usec || !str_to_i64(usec, &v) || v <= 0)
		return 0;
	if (pid && (!str_to_i64(pid, &of) || of != getpid()))
		return 0;
	return v / 2000 ? v / 2000 : 1;
}

/* ---- while it starts ---- */

/* What the process has done so far; grows while anything goes on in it. */
static int64_t movement(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec +
	       ru.ru_stime.tv_usec + 1000000 * (ru.ru_inblock + ru.ru_oublock);
}

/* Our own looking takes a little too. */
#define STILL 2000

static bool wait_for_ready(struct notify *n)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += n->extend_ms / 1000;
	until.tv_nsec += n->extend_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!n->ready && !rc)
		rc = pthread_cond_timedwait(&n->changed, &n->lock, &until);
	return n->ready;
}

static void *extend(void *arg)
{
	struct notify *n = arg;
	int64_t left = NOTIFY_START_MAX_S * INT64_C(1000) / n->extend_ms, before = movement(), now;
	char text[64];

	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld",
		(long long)(EXTEND_TIMES * n->extend_ms * 1000));
	pthread_mutex_lock(&n->lock);
	while (left-- > 0 && !wait_for_ready(n)) {
		now = movement();
		if (now - before > STILL)
			say(n, text);
		before = now;
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void begin_extending(struct notify *n)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->changed, &attr);
	pthread_condattr_destroy(&attr);
	n->starting = !pthread_create(&n->thread, NULL, extend, n);
}

static void end_extending(struct notify *n)
{
	if (!n->starting)
		return;
	pthread_mutex_lock(&n->lock);
	n->ready = true;
	pthread_cond_signal(&n->changed);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	n->starting = false;
}

/* ---- the interface ---- */

struct notify *notify_begin(int64_t extend_ms)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct notify *n = mem_zalloc(sizeof(*n));
	bool good = name && set_address(n, name);

	if (name && !good)
		log_warn("event=notify_socket_unusable name=\"%s\"", name);
	n->alive_ms = read_watchdog();
	n->extend_ms = extend_ms;
	n->fd = good ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (n->fd < 0) {
		mem_free(n);
		return NULL;
	}
	begin_extending(n);
	return n;
}

void notify_end(struct notify *n)
{
	if (!n)
		return;
	end_extending(n);
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->lock);
	close(n->fd);
	mem_free(n);
}

void notify_ready(struct notify *n)
{
	if (!n)
		return;
	end_extending(n);
	say(n, "READY=1");
}

void notify_stopping(struct notify *n)
{
	if (n)
		say(n, "STOPPING=1");
}

void notify_status(struct notify *n, const char *fmt, ...)
{
	char raw[NOTIFY_TEXT_MAX], text[NOTIFY_TEXT_MAX], line[NOTIFY_TEXT_MAX + 8];
	va_list ap;

	if (!n)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	/* A newline would begin another assignment. */
	str_copy_clean(text, sizeof(text), raw, strlen(raw));
	if (!strcmp(text, n->status))
		return;
	str_copy(n->status, sizeof(n->status), text);
	snprintf(line, sizeof(line), "STATUS=%s", text);
	say(n, line);
}

int64_t notify_alive_ms(const struct notify *n)
{
	return n ? n->alive_ms : 0;
}

void notify_alive(struct notify *n)
{
	if (n)
		say(n, "WATCHDOG=1");
}
