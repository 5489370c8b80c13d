/* SPDX-License-Identifier: Apache-2.0 */
/* The phone's system properties at boot; see tree.h. */
#include "drivers/virtual/tree.h"

#include <inttypes.h>

#include "base/buf.h"
#include "drivers/virtual/profile.h"

static void identity(struct buf *b, const struct tree_phone *t)
{
	const struct profile *p = t->profile;

	buf_printf(b, "ro.product.model=%s\nro.product.device=%s\nro.product.name=%s\n", p->model,
		p->device, p->product);
	buf_printf(b, "ro.product.manufacturer=%s\nro.product.brand=%s\nro.product.board=%s\n",
		p->manufacturer, p->manufacturer, p->device);
	buf_printf(b, "ro.board.platform=%s\nro.serialno=%s\nro.boot.serialno=%s\n", p->platform,
		t->serial, t->serial);
}

static void build(struct buf *b, const struct profile *p)
{
	buf_printf(b, "ro.build.id=%s\nro.build.display.id=%s\n", p->build, p->build);
	buf_printf(b, "ro.build.version.release=%s\nro.build.version.sdk=%" PRId64 "\n", p->android,
		p->sdk);
	buf_printf(b, "ro.build.version.security_patch=%s\n", p->patch);
	buf_printf(b, "ro.build.version.incremental=1\n");
	buf_printf(b, "ro.build.type=user\nro.build.tags=release-keys\nro.build.characteristics="
		      "nosdcard\n");
	buf_printf(b, "ro.build.fingerprint=%s/%s/%s:%s/%s/1:user/release-keys\n", p->manufacturer,
		p->product, p->device, p->android, p->build);
}

static void cpu(struct buf *b, const struct tree_phone *t)
{
	const char *abi = t->arm64 ? "arm64-v8a" : "x86_64";

	buf_printf(b, "ro.product.cpu.abi=%s\nro.product.cpu.abilist=%s\n", abi, abi);
	buf_printf(b, "ro.product.cpu.abilist64=%s\nro.product.cpu.abilist32=\n", abi);
}

static void running(struct buf *b, const struct tree_phone *t)
{
	buf_printf(b, "ro.secure=1\nro.debuggable=0\nro.adb.secure=%d\n", t->auth);
	buf_printf(b, "sys.boot_completed=1\ndev.bootcomplete=1\nsys.usb.config=adb\n"
		      "persist.sys.usb.config=adb\n"
		      "sys.usb.state=adb\ninit.svc.adbd=running\ninit.svc.bootanim=stopped\n"
		      "init.svc.surfaceflinger=running\ninit.svc.zygote=running\n");
	buf_printf(b, "ro.kernel.version=%s\n", t->profile->kernel);
	buf_printf(b, "persist.sys.timezone=UTC\npersist.sys.locale=en-US\n");
	buf_printf(b, "ro.sf.lcd_density=%" PRId64 "\n", t->profile->density);
}

/* What the farm's driver asks for: that nothing measured here is a phone's, the tree that the agent
 * reads (the phone's root is its own name space, so it is the whole), and whose time it is. */
static void framefarm(struct buf *b, const struct tree_phone *t)
{
	buf_printf(b, "ro.framefarm.virtual=1\nro.framefarm.root=/\nro.framefarm.profile=%s\n",
		t->profile->name);
	if (t->clock)
		buf_printf(b, "ro.framefarm.clock=%s\n", t->clock);
	if (t->restricts_install)
		buf_puts(b, TREE_RESTRICTS_INSTALL "=1\n");
	if (t->denies_shell)
		buf_puts(b, TREE_DENIES_SHELL "=1\n");
}

void tree_props(const struct tree_out *o, const struct tree_phone *t)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	for (int i = 0; i < t->n_props; i++) /* the first is the one that counts */
		buf_printf(&b, "%s\n", t->props[i]);
	identity(&b, t);
	build(&b, t->profile);
	cpu(&b, t);
	running(&b, t);
	framefarm(&b, t);
	for (int i = 0; i < t->profile->n_props; i++)
		buf_printf(&b, "%s=%s\n", t->profile->props[i].key, t->profile->props[i].value);
	o->put(o->arg, TREE_SYSTEM "/build.prop", buf_text(&b), b.len, true);
	buf_fini(&b);
}
