/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold, seen from outside the core. */
#ifndef FRAMEFARM_SIM_ORACLE_H
#define FRAMEFARM_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

struct event_row;
struct farm_action;
struct oracle;
struct row_table;
struct sim;

struct oracle *oracle_new(struct sim *s);
void oracle_free(struct oracle *o);
void oracle_restarted(struct oracle *o);
/* A stored change of state. */
void oracle_event(struct oracle *o, const struct event_row *ev);
/* A row is being stored; old is NULL for a new one, row for one that is deleted. */
void oracle_row(struct oracle *o, const struct row_table *t, const void *old, const void *row);
/* An action was given out, not only its cancel. */
void oracle_action(struct oracle *o, const struct farm_action *a);
void oracle_accepted(struct oracle *o, int64_t job);
void oracle_logs(struct oracle *o, const struct farm_action *a);
void oracle_start(struct oracle *o, const struct farm_action *a);
void oracle_compare_new(struct oracle *o); /* what the newest transaction touched equals memory */
void oracle_compare(struct oracle *o);     /* stored rows equal memory, all of them */
void oracle_look(struct oracle *o);        /* nothing outlives its lease plus grace */
void oracle_stalled(struct oracle *o);     /* the store keeps the farm from being stepped */
void oracle_final(struct oracle *o);
bool oracle_all_ended(const struct oracle *o);

#endif
