/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone's /sys, /proc, getprop and dumpsys show, as texts made from profile and physics. Pure:
 * a text goes to whoever collects it; files.c writes them. Paths are relative to the phone's
 * directory: "root/…" is what the phone sees, "proc/…" is mounted over its /proc, "root/data/system"
 * is where its tools keep what they know.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_TREE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct physics;
struct profile;

#define TREE_SYSTEM "root/data/system"

/* Properties by which the phone's tools know of its quirks. */
#define TREE_RESTRICTS_INSTALL "ro.framefarm.quirk.restrict_install"
#define TREE_DENIES_SHELL      "ro.framefarm.quirk.deny_shell"

struct tree_out {
	/* open: readable for the phone's shell, as most of these files are. */
	void (*put)(void *arg, const char *path, const char *text, size_t n, bool open);
	void *arg;
};

struct tree_phone {
	const struct profile *profile;
	const char *serial;
	const char *clock;        /* path of a clock page inside the phone; NULL: real time */
	const char *const *props; /* "KEY=VALUE", instead of what is said otherwise */
	int n_props;
	bool arm64; /* what its programs are */
	bool auth;
	bool restricts_install, denies_shell; /* quirks that its tools play */
};

/* ---- what does not move ---- */

void tree_cpu(const struct tree_out *o, const struct profile *p);     /* /sys/devices/system/cpu */
void tree_thermal(const struct tree_out *o, const struct profile *p); /* /sys/class/thermal */
void tree_power(const struct tree_out *o, const struct profile *p);   /* …/power_supply */
void tree_proc(const struct tree_out *o, const struct tree_phone *t); /* cpuinfo, version */
void tree_props(
	const struct tree_out *o, const struct tree_phone *t); /* build.prop: key=value lines */
void tree_dumps(const struct tree_out *o, const struct profile *p); /* dumpsys display, … */

/* ---- what moves ---- */

void tree_cpu_now(const struct tree_out *o, const struct profile *p, const struct physics *s);
void tree_thermal_now(const struct tree_out *o, const struct profile *p, const struct physics *s);
void tree_power_now(
	const struct tree_out *o, const struct profile *p, const struct physics *s, bool powered);
void tree_dumps_now(
	const struct tree_out *o, const struct profile *p, const struct physics *s, bool powered);

/* One text to a path that is put together. */
void tree_put(const struct tree_out *o, const char *path, bool open, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
