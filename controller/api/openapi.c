/* SPDX-License-Identifier: Apache-2.0 */
/* The API's own description, embedded; a test holds it against the route table. */
#include "api/handlers.h"

#include "api/asset.h"
#include "api/http.h"
#include "api/reply.h"

void openapi_get(struct req *r)
{
	const struct asset *a = asset_find("openapi.json");

	req_reply(r, reply_static(200, TYPE_JSON, a->data, a->end - a->data));
}
