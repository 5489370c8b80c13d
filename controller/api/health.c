/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the process lives, and whether it can work; without a token, so without details of the
 * farm. */
#include "api/handlers.h"

#include "api/http.h"
#include "api/internal.h"
#include "base/json.h"
#include "farm/ctl.h"

void health_live(struct req *r)
{
	struct json *o = json_new_object();

	json_add_str(o, "status", "ok");
	req_reply(r, reply_json(200, o));
}

void health_ready(struct req *r)
{
	struct api *a = r->api;
	struct ctl_health h;

	ctl_get_health(a->ctl, &h);
	if (a->draining)
		req_reply(r, reply_problem(503, "stopping", "the daemon is stopping"));
	else if (!h.store_ok)
		req_reply(r, reply_problem(503, "store-unavailable",
				     "the store cannot be written (%s); work goes on when it can",
				     h.store_text));
	else
		health_live(r);
}
