/* Runs table rows through an adapter: a request in, calls and errors out, a reply in, bids and errors out.
 *
 * Shapes  JSON in rows is written with ' for ". What a row leaves NULL is not checked. Calls are an array of
 *         {uri, body, headers}, bids an array of {type, bid, seat, video, meta, deal}; members that the row
 *         leaves out are not compared. Errors are "code text", joined with " | "; a warning's code is W.
 *         Exchange rates are those of the request's ext.prebid.currency.rates.
 *         The request is frozen while the adapter runs, as it is shared with other bidders in production.
 */
#ifndef TESTS_UNIT_PBS_ADAPTER_RIG_H
#define TESTS_UNIT_PBS_ADAPTER_RIG_H

#include <stdlib.h>

#include "common/mem.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/registry.h"
#include "pbs/price/currency.h"
#include "tests/check.h"

struct adapter_row {
	const char *why;
	const char *request; /* as the adapter gets it */
	const char *calls, *errors;
	int status;       /* of the reply to the first call; 0: there is no reply */
	const char *body; /* NULL: no bytes */
	const char *currency, *bids, *configs, *bid_errors;
	enum adapter_entry entry;
};

static json_t *rig_json(const char *why, const char *text)
{
	char *copy = xstrdup(text);
	struct errtext bad = { "" };
	json_t *j;

	for (char *p = copy; (p = strchr(p, '\''));)
		*p = '"';
	j = json_parse(str_of(copy), &bad);
	if (!j)
		fail_msg("%s: bad row: %s in %s", why, bad.text, copy);
	free(copy);
	return j;
}

static uint64_t rig_chance(void *chance)
{
	(void)chance;
	return 10;
}

/* Every member of `want` is in `got`, alike. */
static void rig_same(const char *why, const char *what, const json_t *got, const json_t *want)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)want, key, v) {
		json_t *g = json_object_get(got, key);

		if (!g || !json_equal(g, v)) {
			char *got_text = g ? json_text(g) : xstrdup("nothing"), *want_text = json_text(v);

			fail_msg("%s: %s.%s: got %s, want %s", why, what, key, got_text, want_text);
		}
	}
}

static void rig_list(const char *why, const char *what, const json_t *got, const char *want)
{
	json_t *list;

	if (!want)
		return;
	list = rig_json(why, want);
	if (json_array_size(got) != json_array_size(list))
		fail_msg("%s: got %zu %s, want %zu", why, json_array_size(got), what, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++)
		rig_same(why, what, json_array_get(got, i), json_array_get(list, i));
	json_decref(list);
}

static void rig_errors(const char *why, const struct adapter_errors *got, const char *want)
{
	struct buf text;

	buf_init(&text, 64 << 10);
	for (const struct adapter_error *e = got->first; e; e = e->next) {
		if (e != got->first)
			buf_add_z(&text, " | ");
		if (e->warning)
			buf_addf(&text, "W %s", e->text);
		else
			buf_addf(&text, "%d %s", e->code, e->text);
	}
	CHECK_STR(why, buf_str(&text), want ? want : "");
	buf_deinit(&text);
}

static json_t *rig_calls(const struct adapter_calls *calls)
{
	json_t *list = json_array();

	for (const struct adapter_call *c = calls->first; c; c = c->next) {
		json_t *one = json_object(), *headers = json_object();

		json_set_str(one, "uri", c->uri);
		json_object_set_new(one, "body", c->body ? json_incref(c->body) : json_parse(c->bytes, NULL));
		for (const struct adapter_header *h = c->headers; h; h = h->next)
			json_set_str(headers, h->name, h->value);
		json_object_set_new(one, "headers", headers);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *rig_bids(const struct adapter_bids *bids)
{
	json_t *list = json_array();

	for (const struct adapter_bid *b = bids->first; b; b = b->next) {
		json_t *one = json_object(), *video = json_object();

		json_set_str(one, "type", b->type);
		json_set_str(one, "seat", b->seat);
		json_object_set(one, "bid", b->bid);
		json_object_set(one, "meta", b->meta ? b->meta : json_null());
		json_set_int(one, "deal", b->deal_priority);
		if (b->has_video) {
			json_set_int(video, "duration", b->video.duration);
			json_set_str(video, "primary_category", b->video.primary_category);
		}
		json_object_set_new(one, "video", b->has_video ? json_incref(video) : json_null());
		json_decref(video);
		json_array_append_new(list, one);
	}
	return list;
}

static void rig_reply(const struct adapter_row *row, const struct adapter_request *r,
		      const struct adapter_calls *calls)
{
	struct adapter_reply reply = { .status = row->status };
	struct adapter_call none = { .uri = STR("") };
	struct adapter_bids out;
	json_t *got;

	if (row->body) {
		char *text = json_text(arena_own_json(r->arena, rig_json(row->why, row->body)));

		reply.bytes = str_of(arena_strdup(r->arena, text));
		free(text);
	}
	adapter_bids_init(&out, r->arena);
	r->bidder->adapter->parse_bids(r, calls->first ? calls->first : &none, &reply, &out);
	rig_errors(row->why, &out.errors, row->bid_errors);
	if (row->currency)
		CHECK_STR(row->why, out.currency, row->currency);
	CHECK("bids come in a response", out.answered || out.n == 0);
	got = rig_bids(&out);
	rig_list(row->why, "bids", got, row->bids);
	rig_list(row->why, "configs", out.configs, row->configs);
	json_decref(got);
}

/* `endpoint` and `info` (bidder-info as JSON, may be NULL) as the row's bidder is configured. */
static inline void rig_run_code(const struct adapter *code, const char *name, const char *endpoint,
				const char *info_text, const struct adapter_row *row)
{
	static const struct adapter_host host = { "http://hosturl.com", "2", "", 1 };
	struct arena *a = arena_new();
	struct errtext why = { "" };
	struct bidder_info info;
	struct bidder bidder = {
		.name = name, .endpoint = endpoint, .adapter = code, .info = &info, .host = &host
	};
	struct adapter_request r = {
		.arena = a, .bidder = &bidder, .entry = row->entry, .random = rig_chance
	};
	json_t *in = arena_own_json(a, rig_json(row->why, row->request)), *shared, *frozen, *got;
	struct currency_rates rates = { .request_only = true };
	struct currency_table *table = currency_table_from_json(json_at(in, "ext.prebid.currency.rates"));
	struct adapter_calls calls;

	if (table) {
		rates.request = table;
		r.convert = currency_convert;
		r.rates = &rates;
	}
	if (bidder_info_parse(a, name, arena_own_json(a, rig_json(row->why, info_text ? info_text : "{}")),
			      NULL, NULL, &info, &why) < 0 ||
	    (bidder.adapter->build && bidder.adapter->build(&bidder, a, &why) < 0))
		fail_msg("%s: %s", row->why, why.text);
	shared = ortb_decode(in, ORTB_BID_REQUEST, &why, NULL);
	if (!shared)
		fail_msg("%s: %s", row->why, why.text);
	arena_own_json(a, shared);
	frozen = arena_own_json(a, json_deep_copy(shared));
	r.root = arena_own_json(a, adapter_request_copy(shared));
	adapter_calls_init(&calls, a);
	bidder.adapter->make_requests(&r, &calls);
	rig_errors(row->why, &calls.errors, row->errors);
	got = rig_calls(&calls);
	rig_list(row->why, "calls", got, row->calls);
	json_decref(got);
	if (row->status)
		rig_reply(row, &r, &calls);
	CHECK(row->why, json_equal(shared, frozen));
	currency_table_free(table);
	arena_free(a);
}

static inline void rig_run(const char *adapter, const char *endpoint, const char *info_text,
			   const struct adapter_row *row)
{
	const struct adapter *code = adapter_find(str_of(adapter));

	rig_run_code(code ? code : adapter_find(STR("generic")), adapter, endpoint, info_text, row);
}

#define RIG_RUN_ALL(adapter, endpoint, info, rows)                                                           \
	for (size_t i_ = 0; i_ < ARRAY_LEN(rows); i_++)                                                      \
	rig_run((adapter), (endpoint), (info), &(rows)[i_])

#endif
