/* SPDX-License-Identifier: Apache-2.0 */
/* The guard over the contract of driver.h, and the driver under test; see support_host.h. */
#include "support_host_internal.h"

#include "base/str.h"

static struct support_host *of(struct driver_host *h)
{
	return (struct support_host *)h;
}

/* ---- reports, and the guard over the contract ---- */

static int slot_of(struct driver_op *const *list, const struct driver_op *op)
{
	for (int i = 0; i < SUPPORT_OPS; i++)
		if (list[i] == op)
			return i;
	return -1;
}

static int dev_slot(const struct support_host *sh, const struct driver_dev *dev)
{
	for (int i = sh->n_arrived - 1; i >= 0; i--)
		if (sh->devs[i] == dev && sh->here[i])
			return i;
	return -1;
}

static void check_outside(const struct support_host *sh, const char *what)
{
	if (sh->inside)
		fail_msg("%s came from inside a call of the driver", what);
	if (sh->stopped)
		fail_msg("%s came behind stopped()", what);
}

static void arrived(
	struct driver_host *h, const struct driver *drv, struct driver_dev *dev, const char *where)
{
	struct support_host *sh = of(h);

	check_outside(sh, "arrived()");
	assert_true(where && *where);
	assert_ptr_equal(drv, sh->drv);
	assert_int_equal(dev_slot(sh, dev), -1);
	assert_true(sh->n_arrived < SUPPORT_DEVS);
	sh->here[sh->n_arrived] = true;
	str_copy(sh->where[sh->n_arrived], LIMIT_NAME, where);
	sh->need[sh->n_arrived][0] = '\0';
	sh->devs[sh->n_arrived++] = dev;
}

static void gone(struct driver_host *h, struct driver_dev *dev, const char *why)
{
	struct support_host *sh = of(h);
	int i = dev_slot(sh, dev);

	check_outside(sh, "gone()");
	assert_true(i >= 0);
	assert_non_null(why);
	for (int k = 0; k < SUPPORT_OPS; k++)
		if (sh->ops[k] && sh->ops[k]->dev == dev)
			fail_msg("gone() came before \"%s\" was done",
				driver_op_name(sh->ops[k]->kind));
	sh->here[i] = false;
	sh->n_gone++;
}

static void needs_human(
	struct driver_host *h, struct driver_dev *dev, const char *what_to_do, bool may_pass)
{
	struct support_host *sh = of(h);
	int i = dev_slot(sh, dev);

	check_outside(sh, "needs_human()");
	assert_true(i >= 0);
	assert_non_null(what_to_do);
	assert_true(*what_to_do || !may_pass);
	sh->n_needs += *what_to_do != '\0';
	str_copy(sh->need[i], LIMIT_CAUSE, what_to_do);
	sh->may_pass[i] = may_pass;
}

static void op_done(struct driver_host *h, struct driver_op *op)
{
	struct support_host *sh = of(h);
	int i = slot_of(sh->ops, op);

	check_outside(sh, "op_done()");
	if (i < 0)
		fail_msg("\"%s\" completed, but was not under way", driver_op_name(op->kind));
	assert_true(op->rc <= 0);
	if (op->rc && !*op->text)
		fail_msg("\"%s\" failed without a word", driver_op_name(op->kind));
	sh->ops[i] = NULL;
	sh->done[sh->n_done++ % SUPPORT_OPS] = op;
}

void support_guard_init(struct support_host *sh)
{
	sh->h.arrived = arrived;
	sh->h.gone = gone;
	sh->h.needs_human = needs_human;
	sh->h.op_done = op_done;
}

/* ---- the driver ---- */

void support_start(struct support_host *sh, const struct driver *drv, const char *dir,
	const struct driver_option *opts, int n_opts)
{
	struct err e = {0};

	assert_int_equal(drv->api_version, DRIVER_API_VERSION);
	sh->drv = drv;
	sh->inside++;
	if (drv->start(&sh->h, dir, opts, n_opts, &sh->inst, &e))
		fail_msg("%s", e.text);
	sh->inside--;
}

static void on_stopped(void *arg)
{
	struct support_host *sh = arg;

	check_outside(sh, "stopped()");
	for (int i = 0; i < sh->n_arrived; i++)
		assert_false(sh->here[i]);
	sh->stopped++;
}

void support_ask_stop(struct support_host *sh)
{
	sh->stopping = 1;
	sh->inside++;
	sh->drv->stop(sh->inst, on_stopped, sh);
	sh->inside--;
}

bool support_is_stopped(const struct support_host *sh)
{
	return sh->stopped;
}

static bool cond_stopped(void *arg)
{
	return ((struct support_host *)arg)->stopped;
}

void support_stop(struct support_host *sh)
{
	if (!sh->drv)
		return;
	if (!sh->stopping)
		support_ask_stop(sh);
	support_until(sh, cond_stopped, sh);
}

int support_submit(struct support_host *sh, struct driver_op *op, struct err *e)
{
	int i = slot_of(sh->ops, NULL), k, rc;

	assert_true(i >= 0);
	while ((k = slot_of(sh->done, op)) >= 0)
		sh->done[k] = NULL;
	if (!op->dev)
		op->dev = sh->devs[sh->n_arrived - 1];
	sh->ops[i] = op;
	sh->inside++;
	rc = sh->drv->submit(sh->inst, op, e);
	sh->inside--;
	if (rc)
		sh->ops[i] = NULL;
	return rc;
}

void support_cancel(struct support_host *sh, struct driver_op *op)
{
	sh->inside++;
	sh->drv->cancel(sh->inst, op);
	sh->inside--;
}

bool support_is_done(const struct support_host *sh, const struct driver_op *op)
{
	return slot_of(sh->done, op) >= 0;
}

struct driver_dev *support_dev(const struct support_host *sh, int n)
{
	assert_true(n < sh->n_arrived);
	return sh->devs[n];
}

const char *support_need(const struct support_host *sh, int n)
{
	return sh->need[n];
}

int support_n_needs(const struct support_host *sh)
{
	return sh->n_needs;
}

const char *support_where(const struct support_host *sh, int n)
{
	return sh->where[n];
}

int support_n_arrived(const struct support_host *sh)
{
	return sh->n_arrived;
}

int support_n_gone(const struct support_host *sh)
{
	return sh->n_gone;
}

/* ---- waiting ---- */

struct count {
	const int *have;
	int want;
};

static bool cond_count(void *arg)
{
	const struct count *c = arg;

	return *c->have >= c->want;
}

void support_until_arrived(struct support_host *sh, int n)
{
	struct count c = {&sh->n_arrived, n};

	support_until(sh, cond_count, &c);
}

void support_until_gone(struct support_host *sh, int n)
{
	struct count c = {&sh->n_gone, n};

	support_until(sh, cond_count, &c);
}

struct awaited {
	struct support_host *sh;
	const struct driver_op *op;
};

static bool cond_done(void *arg)
{
	const struct awaited *a = arg;

	return support_is_done(a->sh, a->op);
}

void support_until_done(struct support_host *sh, const struct driver_op *op)
{
	struct awaited a = {sh, op};

	support_until(sh, cond_done, &a);
}

int support_do(struct support_host *sh, struct driver_op *op)
{
	struct err e = {0};

	if (support_submit(sh, op, &e))
		fail_msg("%s: %s", driver_op_name(op->kind), e.text);
	support_until_done(sh, op);
	return op->rc;
}
