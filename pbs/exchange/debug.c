#include "pbs/exchange/debug.h"

#include <strings.h>

#include "common/json.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/route.h"
#include "pbs/privacy/verdict.h"

static json_t *render_headers(const struct bidder_call *call)
{
	json_t *headers = json_object();

	for (size_t i = 0; i < call->n_headers; i++) {
		const struct http_header *h = &call->headers[i];
		json_t *values;

		if (str_eq_nocase(h->name, STR("Authorization")))
			continue;
		values = json_object_getn(headers, h->name.p, h->name.n);
		if (!values) {
			values = json_array();
			json_object_setn_new_nocheck(headers, h->name.p, h->name.n, values);
		}
		json_array_append_new(values, json_new_str(h->value));
	}
	return headers;
}

/* A reply that is not text cannot stand in JSON. */
static json_t *render_text(struct str s)
{
	json_t *j = json_stringn(s.n ? s.p : "", s.n);

	return j ? j : json_string("(not UTF-8)");
}

static json_t *render_call(const struct bidder_call *call)
{
	json_t *j = json_object();

	json_object_set_new_nocheck(j, "uri", json_string(call->url));
	json_object_set_new_nocheck(j, "requestbody", render_text(call->body));
	json_object_set_new_nocheck(j, "requestheaders", render_headers(call));
	json_object_set_new_nocheck(j, "responsebody", render_text(call->reply));
	json_set_int(j, "status", call->status);
	return j;
}

static json_t *render_httpcalls(const struct auction *a)
{
	json_t *all = json_object();

	for (size_t r = 0; r < a->n_runs; r++) {
		const struct bidder_run *run = &a->runs[r];
		json_t *calls;

		if (run->n_calls + run->n_stored == 0 || !run->candidate->bidder->info.debug_allow)
			continue;
		calls = json_array();
		for (size_t i = 0; i < run->n_stored; i++)
			json_array_append_new(calls, render_call(&run->stored[i]));
		for (size_t i = 0; i < run->n_calls; i++)
			json_array_append_new(calls, render_call(&run->calls[i]));
		json_object_setn_new_nocheck(all, run->candidate->name.p, run->candidate->name.n, calls);
	}
	return all;
}

json_t *debug_render(const struct auction *a)
{
	json_t *debug = json_object();

	json_object_set_new_nocheck(debug, "httpcalls", render_httpcalls(a));
	if (a->request)
		json_object_set_nocheck(debug, "resolvedrequest", a->request);
	json_object_set_new_nocheck(debug, "routing", route_render(a));
	if (a->privacy)
		json_object_set_new_nocheck(debug, "privacy", privacy_debug_new(a->privacy));
	return debug;
}
