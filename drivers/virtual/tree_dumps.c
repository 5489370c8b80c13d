/* SPDX-License-Identifier: Apache-2.0 */
/* What dumpsys prints, one file a service; see tree.h. The forms are those of Android 10 to 14. */
#include "drivers/virtual/tree.h"

#include <inttypes.h>

#include "base/buf.h"
#include "drivers/virtual/physics.h"
#include "drivers/virtual/profile.h"

#define DUMP     TREE_SYSTEM "/dump/"
#define TEXT_MAX (64 * 1024)

static void put(const struct tree_out *o, const char *path, struct buf *b)
{
	o->put(o->arg, path, buf_text(b), b->len, true);
	buf_fini(b);
}

/* ---- battery: android.os.BatteryManager's numbers ---- */

static void dump_battery(
	const struct tree_out *o, const struct profile *p, const struct physics *s, bool powered)
{
	const struct physics_gauge *g = &s->gauge;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b, "Current Battery Service state:\n  AC powered: false\n  USB powered: %s\n",
		powered ? "true" : "false");
	buf_printf(&b, "  Wireless powered: false\n  Max charging current: %" PRId64 "\n",
		powered ? p->battery.charge_ma * 1000 : 0);
	buf_printf(&b, "  Max charging voltage: %d\n  Charge counter: %" PRId64 "\n",
		powered ? 5000000 : 0, g->counter_uah);
	buf_printf(&b, "  status: %d\n  health: 2\n  present: true\n",
		g->full       ? 5
		: g->charging ? 2
			      : 3);
	buf_printf(&b, "  level: %" PRId64 "\n  scale: 100\n  voltage: %" PRId64 "\n", g->level,
		g->voltage_uv / 1000);
	buf_printf(&b, "  temperature: %" PRId64 "\n  technology: Li-ion\n", g->temp_deci);
	put(o, DUMP "battery", &b);
}

/* ---- thermalservice ---- */

/* enum TemperatureType; before Android 11 Samsung's own service counted from 1 for these. */
static int type_number(const struct profile *p, int hal)
{
	return p->thermal.samsung_numbers && hal >= 0 ? hal + 1 : hal;
}

static void temperatures(struct buf *b, const struct profile *p, const struct physics *s)
{
	for (int i = 0; i < p->thermal.n_zones; i++) {
		const struct profile_zone *z = &p->thermal.zones[i];

		if (z->hal_type < 0)
			continue;
		buf_printf(b, "\tTemperature{mValue=%.1f, mType=%d, mName=%s, mStatus=%d}\n",
			physics_zone_c(s, p, i), type_number(p, z->hal_type), z->type,
			z->node == PROFILE_SKIN ? physics_status(s, p) : 0);
	}
}

static void thresholds(struct buf *b, const struct profile *p)
{
	if (!p->thermal.n_thresholds)
		return;
	buf_puts(b, "Temperature static thresholds from HAL:\n"
		    "\tTemperatureThreshold{mType=3, mName=skin, mHotThrottlingThresholds=[");
	for (int i = 0; i < p->thermal.n_thresholds; i++)
		buf_printf(b, "%s%.1f", i ? ", " : "", p->thermal.thresholds_c[i]);
	buf_puts(b, "], mColdThrottlingThresholds=[NaN, NaN, NaN, NaN, NaN, NaN, NaN]}\n");
}

static void from_hal(struct buf *b, const struct profile *p, const struct physics *s)
{
	buf_puts(b, "Cached temperatures:\n");
	temperatures(b, p, s);
	buf_printf(b, "HAL Ready: true\nHAL connection:\n\t%s\nCurrent temperatures from HAL:\n",
		p->thermal.samsung_numbers ? "Sdhms connected: yes"
					   : "ThermalHAL 2.0 connected: yes");
	temperatures(b, p, s);
	buf_puts(b, "Current cooling devices from HAL:\n");
	for (int i = 0; i < p->thermal.n_cooling; i++)
		buf_printf(b, "\tCoolingDevice{mValue=%d, mType=2, mName=%s}\n",
			physics_cooling(s, p, i), p->thermal.cooling[i].type);
	thresholds(b, p);
}

static void dump_thermal(const struct tree_out *o, const struct profile *p, const struct physics *s)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b,
		"IsStatusOverride: false\nThermalEventListeners:\n\tcallbacks: 2\n\tkilled: false\n"
		"\tbroadcasts count: -1\nThermalStatusListeners:\n\tcallbacks: 1\n\tkilled: "
		"false\n\tbroadcasts count: -1\nThermal Status: %d\n",
		p->thermal.hal ? physics_status(s, p) : 0);
	if (p->thermal.hal)
		from_hal(&b, p, s);
	else
		buf_puts(&b, "Cached temperatures:\nHAL Ready: false\nHAL connection:\n");
	put(o, DUMP "thermalservice", &b);
}

void tree_dumps_now(
	const struct tree_out *o, const struct profile *p, const struct physics *s, bool powered)
{
	dump_battery(o, p, s, powered);
	if (p->sdk >= 29) /* Android 9 has the service and no text */
		dump_thermal(o, p, s);
}

/* ---- what does not move ---- */

static void dump_display(const struct tree_out *o, const struct profile *p)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_printf(&b,
		"DISPLAY MANAGER (dumpsys display)\n  mOnlyCore=false\n  mSafeMode=false\n"
		"Display Adapters: size=1\n  LocalDisplayAdapter\nDisplay Devices: size=1\n"
		"  DisplayDeviceInfo{\"Built-in Screen\": %" PRId64 " x %" PRId64
		", modeId 1, supportedModes [",
		p->width, p->height);
	for (int i = 0; i < p->n_rates; i++)
		buf_printf(&b, "%s{id=%d, width=%" PRId64 ", height=%" PRId64 ", fps=%.6f}",
			i ? ", " : "", i + 1, p->width, p->height, p->rates[i]);
	buf_printf(&b,
		"], density %" PRId64 ", state ON}\n  mActiveRenderFrameRate=%.1f\n"
		"  mActiveSfDisplayMode=DisplayMode{id=0, width=%" PRId64 ", height=%" PRId64
		", peakRefreshRate=%.3f}\n  mOverrideDisplayInfo=DisplayInfo{\"Built-in Screen\", "
		"real %" PRId64 " x %" PRId64 ", renderFrameRate %.3f}\n",
		p->density, p->rate, p->width, p->height, p->rate, p->width, p->height, p->rate);
	put(o, DUMP "display", &b);
}

void tree_dumps(const struct tree_out *o, const struct profile *p)
{
	dump_display(o, p);
	tree_put(o, DUMP "power", true,
		"POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mDirty=0x0\n"
		"  mWakefulness=Awake\n  mIsPowered=true\n  mPlugType=2\n  mStayOn=true\n"
		"  mLowPowerModeEnabled=false\n\nDisplay Power: state=ON\n");
	tree_put(o, DUMP "window", true,
		"WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    "
		"mShowingLockscreen=false\n"
		"    mDreamingLockscreen=false\n    screenState=SCREEN_STATE_ON\n");
	tree_put(o, DUMP "SurfaceFlinger", true, "%" PRId64 "\n", (int64_t)(1e9 / p->rate + 0.5));
	tree_put(o, DUMP "deviceidle", true,
		"  mLightEnabled=true\n  mDeepEnabled=true\n"
		"  mState=ACTIVE mLightState=ACTIVE\n");
	tree_put(o, TREE_SYSTEM "/display", true,
		"size=%" PRId64 "x%" PRId64 "\ndensity=%" PRId64 "\n", p->width, p->height,
		p->density);
	/* A phone that has just booted does not know the time yet. */
	tree_put(o, TREE_SYSTEM "/log/main", true,
		"01-01 00:00:02.101     1     1 I init    : starting service 'adbd'...\n"
		"01-01 00:00:02.480   412   412 I adbd    : adbd started\n"
		"01-01 00:00:04.012   618   640 I ActivityManager: System now ready\n"
		"01-01 00:00:05.337   618   640 I ActivityManager: Boot completed on %s\n",
		p->model);
	tree_put(o, TREE_SYSTEM "/log/events", true,
		"01-01 00:00:05.338   618   640 I boot_progress_enable_screen: 5338\n");
}
