/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions of the control plane. A transaction is a list of operations with rows of its own
 * (long texts by reference), built on any thread; the control writer applies it.
 */
#include "store/control.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/row.h"
#include "base/rstr.h"
#include "store/db.h"
#include "store/rowsql.h"
#include "store/store.h"

enum op_kind { OP_PUT, OP_DEL, OP_META };

struct op {
	enum op_kind kind;
	const struct row_table *table;
	void *row;         /* OP_PUT */
	int64_t id;        /* OP_DEL */
	char *key, *value; /* OP_META */
};

struct store_txn {
	struct work work; /* first */
	struct op *ops;
	size_t n, cap;
};

/* ---- building ---- */

struct store_txn *store_txn_new(void)
{
	return mem_zalloc(sizeof(struct store_txn));
}

void store_txn_free(struct store_txn *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (t->ops[i].kind == OP_PUT)
			row_free(t->ops[i].table, t->ops[i].row);
		mem_free(t->ops[i].key);
		mem_free(t->ops[i].value);
	}
	mem_free(t->ops);
	mem_free(t);
}

static struct op *add(struct store_txn *t, enum op_kind kind, size_t bytes)
{
	struct op *op;

	assert(t->n < STORE_TXN_OPS);
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->ops = mem_realloc(t->ops, t->cap, sizeof(*t->ops));
	}
	op = &t->ops[t->n++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	t->work.bytes += sizeof(*op) + bytes;
	return op;
}

static size_t row_bytes(const struct row_table *tab, const void *row)
{
	size_t n = tab->size;

	for (int i = 0; i < tab->n_cols; i++)
		if (tab->cols[i].kind == ROW_LONG)
			n += rstr_len(
				*(struct rstr *const *)((const char *)row + tab->cols[i].off));
	return n;
}

void store_txn_put(struct store_txn *t, const struct row_table *tab, const void *row)
{
	struct op *op = add(t, OP_PUT, row_bytes(tab, row));

	assert(row_id(tab, row) > 0);
	op->table = tab;
	op->row = row_copy(tab, row);
}

void store_txn_del(struct store_txn *t, const struct row_table *tab, int64_t id)
{
	struct op *op = add(t, OP_DEL, 0);

	op->table = tab;
	op->id = id;
}

void store_txn_meta(struct store_txn *t, const char *key, const char *value)
{
	struct op *op = add(t, OP_META, strlen(key) + strlen(value));

	op->key = mem_strdup(key);
	op->value = mem_strdup(value);
}

size_t store_txn_count(const struct store_txn *t)
{
	return t->n;
}

struct work *control_work(struct store_txn *t)
{
	return &t->work;
}

/* ---- storing ---- */

struct table {
	const struct row_table *desc;
	sqlite3_stmt *upsert, *del;
};

struct control {
	struct db *db;
	struct table *tables;
	int n;
};

static int prepare_table(struct control *c, const struct row_table *desc, struct err *e)
{
	struct table *t = &c->tables[c->n++];
	char sql[ROWSQL_MAX];
	int rc;

	t->desc = desc;
	rowsql_upsert(sql, desc);
	rc = db_prepare(c->db, &t->upsert, sql, e);
	if (rc)
		return rc;
	sql[0] = '\0';
	rowsql_add(sql, "DELETE FROM \"%s\" WHERE \"%s\" = ?1", desc->name, desc->cols[0].name);
	return db_prepare(c->db, &t->del, sql, e);
}

struct control *control_new(struct db *db, const struct row_table *const *tables, struct err *e)
{
	struct control *c = mem_zalloc(sizeof(*c));
	int n = 0;

	while (tables[n])
		n++;
	c->db = db;
	c->tables = mem_zalloc((size_t)(n + 1) * sizeof(*c->tables));
	if (prepare_table(c, &store_pin_table, e)) {
		control_free(c);
		return NULL;
	}
	for (int i = 0; i < n; i++) {
		if (prepare_table(c, tables[i], e)) {
			control_free(c);
			return NULL;
		}
	}
	return c;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->n; i++) {
		db_finalize(&c->tables[i].upsert);
		db_finalize(&c->tables[i].del);
	}
	mem_free(c->tables);
	mem_free(c);
}

static struct table *find(struct control *c, const struct row_table *desc)
{
	for (int i = 0; i < c->n; i++)
		if (c->tables[i].desc == desc)
			return &c->tables[i];
	assert(!"a table that store_open() was not given");
	return NULL;
}

static int apply_op(struct control *c, const struct op *op, struct err *e)
{
	sqlite3_stmt *st = NULL;
	char what[96] = "";
	int rc = SQLITE_OK;

	switch (op->kind) {
	case OP_PUT:
		st = find(c, op->table)->upsert;
		snprintf(what, sizeof(what), "storing %s %lld", op->table->name,
			(long long)row_id(op->table, op->row));
		rc = rowsql_bind(st, op->table, op->row);
		break;
	case OP_DEL:
		st = find(c, op->table)->del;
		snprintf(
			what, sizeof(what), "deleting %s %lld", op->table->name, (long long)op->id);
		rc = sqlite3_bind_int64(st, 1, op->id);
		break;
	case OP_META:
		return db_meta_put(c->db, op->key, op->value, e);
	}
	return rc ? db_error(c->db, rc, e, what) : db_run(c->db, st, e, what);
}

static int apply(void *ctx, struct work *w, struct err *e)
{
	struct store_txn *t = (struct store_txn *)w;
	int rc = 0;

	for (size_t i = 0; i < t->n && !rc; i++)
		rc = apply_op(ctx, &t->ops[i], e);
	return rc;
}

const struct writer_ops control_ops = {
	.thread = "store-control",
	.max_items = STORE_QUEUE_TXNS,
	.max_bytes = STORE_QUEUE_BYTES,
	.apply = apply,
};
