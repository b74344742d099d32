/* Every adapter over one request that has all that an adapter may want to change: none may change what the
 * next bidder is given, and who comes second sends what the first one did. */
#include "tests/adapter_bare.h"
#include "tests/unit/pbs/adapter_rig.h"

static json_t *from_file(const char *path)
{
	struct errtext why = { "" };
	json_t *json = json_parse_file(path, 64 << 10, &why);

	if (!json)
		fail_msg("%s", why.text);
	return json;
}

/* The calls of one adapter over `shared`, and its reading of a reply, as one tree. Takes nothing. */
static json_t *run_adapter(const struct adapter *adapter, json_t *shared, const struct currency_rates *rates)
{
	struct arena *a = arena_new();
	struct adapter_bare bare;
	struct adapter_reply reply = { .status = 200 };
	struct adapter_bids bids;
	json_t *out, *copy;

	assert_true(adapter_bare_init(&bare, adapter, "http://b.example/x", a));
	bare.request.convert = currency_convert;
	bare.request.rates = rates;
	adapter_bare_ask(&bare, shared);
	CHECK(adapter->name, bare.calls.n > 0);
	out = rig_calls(&bare.calls);
	reply.json = arena_own_json(a, from_file("tests/data/adapters/reply.json"));
	adapter_bids_init(&bids, a);
	adapter->parse_bids(&bare.request, bare.calls.first, &reply, &bids);
	json_array_append_new(out, rig_bids(&bids));
	copy = json_deep_copy(out);
	json_decref(out);
	arena_free(a);
	return copy;
}

/* Parameters by which most of an adapter's work is done. */
static const struct {
	const char *adapter, *params;
} parameters[] = {
	{ "33across", "{'productId':'siab','siteId':'8','zoneId':'z'}" },
	{ "adf", "{'mid':6,'priceType':'net'}" },
	{ "appnexus", "{'placement_id':7,'member':'8','inv_code':'i','reserve':2,'position':'above'}" },
	{ "criteo", "{'networkId':5}" },
	{ "generic", "{}" },
	{ "gumgum", "{'zone':'z','pubId':4,'slot':1,'product':'p','irisid':'i'}" },
	{ "improvedigital", "{'placementId':9,'publisherId':5}" },
	{ "ix", "{'siteId':'8','sid':'s'}" },
	{ "openx", "{'unit':'5','delDomain':'d.example','customFloor':1,'customParams':{'k':'v'}}" },
	{ "pubmatic",
	  "{'publisherId':'5','adSlot':'a@1x2','kadfloor':'9','wrapper':{'profile':1},'dctr':'a=1'}" },
	{ "rubicon",
	  "{'accountId':1,'siteId':2,'zoneId':3,'inventory':{'a':['b']},'visitor':{'c':1},'bidonmultiformat':"
	  "true}" },
	{ "sharethrough", "{'pkey':'p','bcat':['IAB1'],'badv':['x.example']}" },
	{ "smartadserver", "{'networkId':3,'siteId':1,'pageId':2,'formatId':4}" },
	{ "sovrn", "{'tagid':'t','bidfloor':'0.4','adunitcode':'u'}" },
	{ "teads", "{'placementId':9}" },
	{ "triplelift", "{'inventoryCode':'c','floor':0.7}" },
	{ "unruly", "{'siteId':1}" },
	{ "yieldmo", "{'placementId':'p'}" },
};

static json_t *request_for(size_t i)
{
	json_t *in = from_file("tests/data/adapters/request.json"), *imps = json_object_get(in, "imp"), *out;
	json_t *params = rig_json(parameters[i].adapter, parameters[i].params);
	struct errtext why = { "" };

	for (size_t k = 0; k < json_array_size(imps); k++)
		json_object_set(json_object_get(json_array_get(imps, k), "ext"), "bidder", params);
	json_decref(params);
	out = ortb_decode(in, ORTB_BID_REQUEST, &why, NULL);
	json_decref(in);
	if (!out)
		fail_msg("%s", why.text);
	return out;
}

static void nobody_changes_what_all_share(void **state)
{
	(void)state;
	CHECK("a row for each adapter", ARRAY_LEN(parameters) == adapter_count());
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		const char *name = parameters[i].adapter;
		const struct adapter *adapter = adapter_find(str_of(name));
		json_t *shared = request_for(i), *frozen = json_deep_copy(shared), *first, *second;
		struct currency_table *table =
			currency_table_from_json(json_at(shared, "ext.prebid.currency.rates"));
		struct currency_rates rates = { .request = table, .request_only = true };

		first = run_adapter(adapter, shared, &rates);
		CHECK(name, json_equal(shared, frozen));
		second = run_adapter(adapter, shared, &rates);
		CHECK(name, json_equal(first, second));
		json_decref(first);
		json_decref(second);
		json_decref(frozen);
		json_decref(shared);
		currency_table_free(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nobody_changes_what_all_share) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
