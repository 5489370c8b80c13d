/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services, and those that only say a sentence; see service.h. */
#include "drivers/virtual/service.h"

#include <string.h>

#include "base/mem.h"
#include "drivers/adb/mux.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/session.h"

static const struct {
	const char *name;
	service_open_fn *open;
} services[] = {
	{"shell", service_shell},
	{"exec", service_exec},
	{"abb", service_abb},
	{"abb_exec", service_abb_exec},
	{"sync", service_sync},
	{"tcp", service_tcp},
	{"localabstract", service_abstract},
	{"localfilesystem", service_filesystem},
	{"reverse", service_reverse},
	{"reboot", service_reboot},
	{"root", service_root},
	{"unroot", service_root},
	{"remount", service_remount},
	{"tcpip", service_tcpip},
	{"usb", service_tcpip},
	{"sink", service_sink},
	{"source", service_source},
	{"track-jdwp", service_jdwp},
};

bool service_open(struct session *s, struct adb_stream *st, const char *service, size_t n)
{
	size_t len = strcspn(service, ":,");

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strlen(services[i].name) == len && !memcmp(services[i].name, service, len))
			return services[i].open(s, st, service + len, n - len);
	return false;
}

/* ---- a sentence ---- */

struct sentence {
	struct phone *phone;
};

static void no_data(void *arg, const uint8_t *data, size_t n)
{
	(void)arg;
	(void)data;
	(void)n;
}

static void no_drained(void *arg)
{
	(void)arg;
}

static void said(void *arg, int code, const char *text)
{
	struct sentence *sn = arg;

	(void)code;
	(void)text;
	phone_service(sn->phone, -1);
	mem_free(sn);
}

static const struct stream_events sentence_events = {
	.data = no_data, .drained = no_drained, .closed = said};

static struct adb_stream *accept_quietly(struct session *s, struct adb_stream *st)
{
	struct sentence *sn = mem_zalloc(sizeof(*sn));

	sn->phone = session_phone(s);
	phone_service(sn->phone, 1);
	adb_stream_accept(st, &sentence_events, sn);
	return st;
}

bool service_say(struct session *s, struct adb_stream *st, const char *text, size_t n)
{
	struct stream *base = adb_stream_base(accept_quietly(s, st));

	base->ops->write(base, (const uint8_t *)text, n);
	adb_stream_finish(st);
	return true;
}

bool service_root(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	static const char text[] = "adbd cannot run as root in production builds\n";

	(void)rest;
	(void)n;
	return service_say(s, st, text, sizeof(text) - 1);
}

bool service_remount(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	static const char text[] = "Not running as root. Try \"adb root\" first.\n";

	(void)rest;
	(void)n;
	return service_say(s, st, text, sizeof(text) - 1);
}

bool service_jdwp(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct stream *base = adb_stream_base(accept_quietly(s, st));

	(void)rest;
	(void)n;
	base->ops->write(base, (const uint8_t *)"0000", 4);
	return true;
}

bool service_reboot(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	(void)rest;
	(void)n;
	accept_quietly(s, st);
	phone_reboot(session_phone(s));
	return true;
}

bool service_tcpip(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	static const char text[] = "restarting in the other mode\n";

	(void)rest;
	(void)n;
	service_say(s, st, text, sizeof(text) - 1);
	phone_restart_adbd(session_phone(s), false);
	return true;
}
