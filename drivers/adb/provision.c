/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a farm's phones; see provision.h. Sources: AOSP Settings.Global and Settings.Secure,
 * `svc`, `cmd` help; adb_allowed_connection_time: AOSP adb, keystore.md. */
#include "drivers/adb/provision.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "drivers/adb/shell.h"

#define SETTING(label, ns, key, value, what)                                                       \
	{                                                                                          \
		.name = label, .get = "settings get " ns " " key, .want = value,                   \
		.set = "settings put " ns " " key " " value,                                       \
		.unset = "settings put " ns " " key " %s", .how = what                             \
	}

const struct adb_setting adb_settings[] = {
	{.name = "screen_lock",
		.get = "locksettings verify 2>&1 | head -n 1",
		.want = "Lock credential verified successfully",
		.how = "remove PIN, pattern and fingerprint: Settings, Security, Screen lock, "
		       "None"},
	SETTING("adb_authorisation_expiry", "global", "adb_allowed_connection_time", "0",
		"Developer options, Disable adb authorization timeout"),
	SETTING("system_updates", "global", "ota_disable_automatic_update", "1",
		"Developer options, Automatic system updates: off"),
	{.name = "usb_mode",
		.get = "getprop persist.sys.usb.config | tr , '\\n' | grep -x adb",
		.want = "adb",
		.how = "Developer options: USB debugging on; Default USB configuration: No data "
		       "transfer (Huawei: also \"Allow ADB in charge only mode\")"},
	SETTING("stay_awake", "global", "stay_on_while_plugged_in", "7",
		"Developer options, Stay awake"),
	SETTING("window_animations", "global", "window_animation_scale", "0",
		"Developer options, Window animation scale: off"),
	SETTING("transition_animations", "global", "transition_animation_scale", "0",
		"Developer options, Transition animation scale: off"),
	SETTING("animator_duration", "global", "animator_duration_scale", "0",
		"Developer options, Animator duration scale: off"),
	SETTING("verify_installs", "global", "verifier_verify_adb_installs", "0",
		"Developer options, Verify apps over USB: off"),
	SETTING("automatic_brightness", "system", "screen_brightness_mode", "0",
		"Settings, Display, Adaptive brightness: off"),
	SETTING("refresh_rate_min", "system", "min_refresh_rate", "60.0",
		"Settings, Display: a fixed refresh rate of 60 Hz"),
	SETTING("refresh_rate_peak", "system", "peak_refresh_rate", "60.0",
		"Settings, Display: a fixed refresh rate of 60 Hz"),
	SETTING("location", "secure", "location_mode", "0", "Settings, Location: off"),
	{.name = "bluetooth",
		.get = "settings get global bluetooth_on",
		.want = "0",
		.set = "svc bluetooth disable",
		.unset = "[ %s = 0 ] || svc bluetooth enable",
		.how = "switch Bluetooth off"},
	{.name = "wifi",
		.get = "settings get global wifi_on",
		.want = "0",
		.set = "svc wifi disable",
		.unset = "[ %s = 0 ] || svc wifi enable",
		.how = "switch Wi-Fi off",
		.usb_only = true},
	{.name = "mobile_data",
		.get = "settings get global mobile_data",
		.want = "0|null",
		.set = "svc data disable",
		.unset = "[ %s = 0 ] || svc data enable",
		.how = "switch mobile data off, or take the SIM card out",
		.usb_only = true},
};

const int adb_n_settings = sizeof(adb_settings) / sizeof(adb_settings[0]);
_Static_assert(sizeof(adb_settings) / sizeof(adb_settings[0]) <= ADB_PROVISION_MAX, "they fit");

void adb_provision_ask(struct buf *script)
{
	for (int i = 0; i < adb_n_settings; i++)
		buf_printf(script, "echo \"%s=$(%s 2>/dev/null)\"\n", adb_settings[i].name,
			adb_settings[i].get);
	buf_puts(script, "true");
}

int adb_provision_find(const char *name)
{
	for (int i = 0; i < adb_n_settings; i++)
		if (!strcmp(adb_settings[i].name, name))
			return i;
	return -1;
}

void adb_provision_read(const struct buf *out, struct adb_provision_state *ret_s)
{
	const char *at = (const char *)out->data, *end = at + out->len;

	memset(ret_s, 0, sizeof(*ret_s));
	while (at < end) {
		const char *nl = memchr(at, '\n', end - at), *stop = nl ? nl : end;
		const char *eq = memchr(at, '=', stop - at);
		char name[LIMIT_NAME];
		int i;

		if (eq) {
			str_copy_clean(name, sizeof(name), at, eq - at);
			i = adb_provision_find(name);
			if (i >= 0)
				str_copy_clean(ret_s->value[i], LIMIT_VALUE, eq + 1, stop - eq - 1);
		}
		at = stop + 1;
	}
}

bool adb_provision_ok(const struct adb_provision_state *s, int i)
{
	const char *is = s->value[i];

	for (const char *w = adb_settings[i].want; *w; w += strspn(w, "|")) {
		size_t n = strcspn(w, "|");

		if (strlen(is) == n && !memcmp(is, w, n))
			return true;
		w += n;
	}
	return false;
}

bool adb_provision_applies(int i, bool usb)
{
	return usb || !adb_settings[i].usb_only;
}

void adb_provision_set(struct buf *script, int i)
{
	if (adb_settings[i].set)
		buf_printf(script, "%s\n", adb_settings[i].set);
}

static bool is_put(const struct adb_setting *s)
{
	return s->unset && !strncmp(s->unset, "settings put ", 13);
}

/* "settings put" has no way to say that there was nothing; "settings delete" has. */
void adb_provision_unset(struct buf *script, int i, const char *had)
{
	const struct adb_setting *s = &adb_settings[i];
	const char *hole = s->unset ? strstr(s->unset, "%s") : NULL;
	const char *rest = hole ? hole + 2 : NULL;

	if (!hole)
		return;
	if (!strcmp(had, "null") && is_put(s)) {
		buf_printf(script, "settings delete %.*s\n", (int)(hole - s->unset - 14),
			s->unset + 13);
		return;
	}
	buf_put(script, s->unset, hole - s->unset);
	adb_quote(script, had);
	buf_puts(script, rest);
	buf_puts(script, "\n");
}

bool adb_provision_was_undone(int i, const char *had, const char *is)
{
	return !is_put(&adb_settings[i]) || !strcmp(*had ? had : "null", *is ? is : "null");
}
