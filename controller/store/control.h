/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's transactions, and how the control writer stores them. */
#ifndef FRAMEFARM_STORE_CONTROL_H
#define FRAMEFARM_STORE_CONTROL_H

#include "store/writer.h"

struct control;
struct db;
struct err;
struct row_table;
struct store_txn;

/* Prepares the statements of each table on the writing connection, before the writer starts. */
struct control *control_new(struct db *db, const struct row_table *const *tables, struct err *e);
void control_free(struct control *c); /* behind the writer's end; NULL is allowed */

extern const struct writer_ops control_ops; /* its ctx is a struct control */
struct work *control_work(struct store_txn *t);

#endif
