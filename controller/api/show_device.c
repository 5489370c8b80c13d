/* SPDX-License-Identifier: Apache-2.0 */
/* Devices as JSON, with what a person can do about them; see show.h. */
#include "api/show.h"

#include "base/json.h"
#include "base/str.h"
#include "core/rows.h"

/* A state that needs nobody has no advice. */
static const char *const advice[DEVICE_STATES_END] = {
	[DEVICE_ABSENT] = "It is not connected: look at its cable and power, or, where it was "
			  "reached over the network, whether it is on and `framefarm device "
			  "connect` was told its address. The daemon's own machine takes part "
			  "with `serve --local`.",
	[DEVICE_AUTHORIZING] = "Unlock it and confirm the debugging prompt on its screen.",
	[DEVICE_NEEDS_HUMAN] = "Somebody must go there.",
	[DEVICE_RECOVERING] = "It is being brought back; if that fails it is quarantined.",
	[DEVICE_SERVICE] = "Something that an operator asked for is done to it.",
	[DEVICE_QUARANTINED] = "It failed repeatedly or was taken out. Mend it, then release it.",
};

const char *show_device_advice(const struct device_row *d)
{
	/* What these need is a sentence that says what to do. */
	if (*d->need && (d->state == DEVICE_NEEDS_HUMAN || d->state == DEVICE_AUTHORIZING))
		return "";
	if (d->state > 0 && d->state < DEVICE_STATES_END && advice[d->state])
		return advice[d->state];
	return "";
}

struct json *show_device(const struct device_row *d, bool full)
{
	struct json *o = json_new_object();

	show_id(o, "id", 'd', d->id);
	json_add_str(o, "key", d->key);
	json_add_str(o, "name", d->name);
	json_add_str(o, "driver", d->driver);
	json_add_str(o, "model", d->model);
	json_add_str(o, "abi", d->abi);
	json_add_str(o, "os", d->os);
	json_add_bool(o, "virtual", d->is_virtual);
	json_add_str(o, "state", device_state_name(d->state));
	json_add_str(o, "where", d->place);
	json_add_str(o, "detached_by", d->detached_by);
	json_add_str(o, "link", device_link_name(d->link));
	json_add_str(o, "need", d->need);
	json_add_str(o, "advice", show_device_advice(d));
	json_add_int(o, "failures", d->failures);
	show_time(o, "state_since", d->state_ms);
	show_time(o, "first_seen_at", d->first_seen_ms);
	show_time(o, "last_seen_at", d->last_seen_ms);
	show_stored(o, "attrs", d->attrs);
	if (full) {
		json_add_str(o, "host", d->host_id);
		json_add_str(o, "fingerprint", d->fingerprint);
		json_add_str(o, "agent", d->agent_uuid);
		json_add_int(o, "epoch", d->epoch);
		show_stored(o, "counters", d->counters);
	}
	return o;
}
