/* A bidder's bids on their way through the exchange: prices, checks, categories, winners, keys, the cache's body. What is
 * sent on must be JSON, and every bid in the ranking must have passed all checks. */
#include "common/json.h"
#include "pbs/exchange/bid_ext.h"
#include "pbs/exchange/bid_price.h"
#include "pbs/exchange/cache_build.h"
#include "pbs/exchange/categories.h"
#include "pbs/exchange/creative_checks.h"
#include "pbs/exchange/native_markup.h"
#include "pbs/exchange/validate_bid.h"
#include "pbs/openrtb/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request_text[] =
	"{\"imp\":[{\"id\":\"1\",\"exp\":60,\"video\":{\"plcmt\":2},\"native\":{\"request\":\"{"
	"\\\"assets\\\":[{\\\"id\\\":1,"
	"\\\"img\\\":{\\\"type\\\":3}}]}\"}},{\"id\":\"2\",\"banner\":{}}],"
	"\"rules\":{\"mediatype\":{\"*\":{\"*\":{\"*\":[{\"adjtype\":\"cpm\",\"value\":0.1,\"currency\":"
	"\"EUR\"}]}}}},"
	"\"targeting\":{\"includeformat\":true,\"durationrangesec\":[15,30],\"pricegranularity\":\"dense\"},"
	"\"dsa\":{\"pubrender\":0},\"mapping\":{\"IAB1\":{\"id\":\"A\"}},\"cache\":{\"bids\":{},\"vastxml\":{"
	"}}}";
static const struct str imp_ids[] = { { "1", 1 }, { "2", 1 } };

struct run {
	struct arena *a;
	json_t *given; /* the request's parts by name */
	struct seats seats;
	struct nonbids nb;
	struct messages m;
	struct currency_table *rates;
	struct rng rng;
};

static void take_bid(struct run *r, const struct bid_price_rules *rules, struct str cur, json_t *ortb,
		     size_t i)
{
	struct bid *b;
	enum bid_type type = (enum bid_type)(i % BID_TYPES);
	const json_t *imps = json_object_get(r->given, "imp");
	struct errtext why;
	struct str to;
	double rate;

	bid_type_of_mtype(json_int_at(ortb, "mtype", 0), &type);
	b = bid_new(r->a, ortb, type);
	b->bidder = b->core = b->seat = STR("acme");
	for (int k = 0; k < 2; k++)
		if (str_eq(b->impid, imp_ids[k]))
			b->imp = k;
	if (bid_price_target(rules->rates, cur, NULL, &to, &rate, &why) < 0)
		return;
	bid_price_apply(b, rules, cur, to, rate, b->imp >= 0 ? json_array_get(imps, (size_t)b->imp) : NULL);
	native_markup_add_types(b, json_array_get(imps, 0), r->a, &r->m);
	seat_add(&r->seats, seats_get(&r->seats, STR("acme"), STR("acme"), STR("acme")), b);
}

static void take_reply(struct run *r, const json_t *reply)
{
	struct currency_rates rates = { .server = r->rates };
	struct adjust_rules adjust;
	struct bid_price_rules rules = { .rates = &rates, .rules = &adjust };
	const json_t *seatbids = json_object_get(reply, "seatbid");

	adjust_rules_merge(json_object_get(r->given, "rules"), NULL, r->a, &adjust);
	for (size_t s = 0; s < json_array_size(seatbids); s++) {
		const json_t *bids = json_object_get(json_array_get(seatbids, s), "bid");

		for (size_t i = 0; i < json_array_size(bids); i++)
			take_bid(r, &rules, json_str_at(reply, "cur"), json_array_get(bids, i), i);
	}
}

static void check(struct run *r, struct targeting *t)
{
	struct creative_policy policy = { .dsa = json_object_get(r->given, "dsa"),
					  .size = CREATIVE_ENFORCE,
					  .secure = CREATIVE_ENFORCE,
					  .max_width = 1000,
					  .max_height = 1000 };
	struct categories c = { .with_category = true, .translate = true, .ad_server = STR("dfp") };

	for (size_t s = 0; s < r->seats.n; s++)
		validate_bid_sweep_seat(r->seats.seats[s], NULL, NULL, &r->nb, &r->m);
	bid_ext_check_seats(&r->seats, &r->nb, &r->m);
	creative_check_seats(&r->seats, &policy, &r->nb, &r->m);
	categories_apply(&c, json_object_get(r->given, "mapping"), t, &r->seats, &r->rng, &r->nb, &r->m,
			 r->a);
}

static void answer(struct run *r, struct targeting *t)
{
	struct events ev = { .active = true, .external_url = STR("https://e.example"), .account = STR("a") };
	const struct multibid none = { 0 };
	struct ranking ranking;
	struct cache_plan plan;
	struct cache_job job;
	struct errtext why;
	json_t *body;

	for (size_t s = 0; s < r->seats.n; s++)
		for (size_t i = 0; i < r->seats.seats[s]->n_bids; i++)
			events_inject_vast(&ev, r->seats.seats[s]->bids[i], true, r->a);
	winners_choose(&r->seats, true, 3, r->a, &ranking);
	cache_plan_parse(json_object_get(r->given, "cache"), &plan);
	cache_build(&job, &plan, t, &ranking, json_object_get(r->given, "imp"), &ev, STR("uuid"), r->a,
		    &r->m);
	if (job.n_items && !job.body.overflow) {
		body = json_parse(buf_str(&job.body), &why);
		if (json_array_size(json_object_get(body, "puts")) != job.n_items)
			__builtin_trap();
		json_decref(body);
	}
	cache_job_deinit(&job);
	targeting_set(t, &ranking, &none, &r->rng, r->a);
	for (size_t i = 0; i < ranking.n; i++)
		if (ranking.bids[i].bid->dropped || ranking.bids[i].bid->id.n == 0)
			__builtin_trap();
	json_decref(nonbids_render(&r->nb));
	json_decref(messages_render(&r->m, MESSAGE_ERROR, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	struct run r = { .a = arena_new() };
	json_t *json = json_parse((struct str){ (const char *)data, size }, &why);
	json_t *reply = json ? ortb_decode(json, ORTB_BID_RESPONSE, &why, NULL) : NULL;
	struct targeting t;

	r.given = arena_own_json(r.a, json_parse(str_of(request_text), &why));
	r.rates = currency_table_parse(STR("{\"conversions\":{\"USD\":{\"EUR\":0.5,\"GBP\":0.8}}}"), &why);
	rng_seed(&r.rng, size);
	messages_init(&r.m, r.a);
	nonbids_init(&r.nb, r.a, imp_ids, 2);
	seats_init(&r.seats, r.a);
	if (!r.given || targeting_parse(json_object_get(r.given, "targeting"), r.a, &t, &why) < 0)
		__builtin_trap();
	if (reply) {
		take_reply(&r, reply);
		check(&r, &t);
		answer(&r, &t);
	}
	json_decref(reply);
	json_decref(json);
	arena_free(r.a);
	currency_table_free(r.rates);
	return 0;
}
