/* The targeting of the exchange's vectors, recomputed from their mock bids. Needs ../shared; skipped without. */
#include <dirent.h>
#include <stdio.h>

#include "common/json.h"
#include "pbs/exchange/categories.h"
#include "pbs/exchange/targeting.h"
#include "pbs/openrtb/ext.h"
#include "tests/check.h"

static const char dir[] = "../shared/vectors/exchange";

struct replay {
	struct arena *a;
	json_t *vector, *request;
	struct seats seats;
	struct ranking ranking;
	size_t n_compared;
};

/* Cache ids are not computed here. One vector gives the exchange a range whose `min` leaves a gap, which the
 * normalisation of requests makes impossible. */
static bool is_in_scope(const json_t *request)
{
	const json_t *targeting = json_at(request, "ext.prebid.targeting");

	return json_is_object(targeting) && !json_at(request, "ext.prebid.cache") &&
	       !json_object_get(targeting, "mediatypepricegranularity");
}

static void take_seat(struct replay *r, const json_t *seat_bid, struct str bidder)
{
	struct str name = json_str_at(seat_bid, "seat");
	const json_t *bids = json_object_get(seat_bid, "pbsBids");
	size_t i;
	json_t *j;

	json_array_foreach (bids, i, j) {
		enum bid_type type = BID_BANNER;
		struct bid *b;

		bid_type_parse(json_str_at(j, "bidType"), &type);
		b = bid_new(r->a, json_object_get(j, "ortbBid"), type);
		b->bidder = bidder;
		b->video_duration = (int)json_int_at(j, "bidVideo.duration", 0);
		b->video_category = json_str_at(j, "bidVideo.primary_category");
		seat_add(&r->seats, seats_get(&r->seats, name, bidder, bidder), b);
	}
}

static void take_bids(struct replay *r)
{
	const char *bidder;
	json_t *out, *seat_bid;
	size_t i;

	json_object_foreach (json_object_get(r->vector, "outgoingRequests"), bidder, out) {
		json_array_foreach (json_at(out, "mockResponse.pbsSeatBids"), i, seat_bid)
			take_seat(r, seat_bid, str_of(bidder));
	}
}

/* The reference's stand-in for mapping files. */
static json_t *mapping(struct arena *a)
{
	static const char text[] = "{\"IAB1-1\":{\"id\":\"VideoGames\"},\"IAB1-2\":{\"id\":\"HomeDecor\"},"
				   "\"IAB1-4\":{\"id\":\"Sports\"}}";
	struct errtext why;

	return arena_own_json(a, json_parse(str_of(text), &why));
}

static void run_stages(struct replay *r, const char *name)
{
	const json_t *wanted = json_at(r->request, "ext.prebid.targeting");
	unsigned limit = (unsigned)json_int_at(r->vector, "multiBid.default_bid_limit", 0);
	struct multibid mb;
	struct targeting t;
	struct errtext why;
	struct rng rng;

	rng_seed(&rng, 1);
	CHECK(name, targeting_parse(wanted, r->a, &t, &why) == 0);
	t.cache_host = STR("www.pbcserver.com");
	t.cache_path = STR("/pbcache/endpoint");
	t.env = json_object_get(r->request, "app") ? STR("mobile-app") : STR("");
	multibid_read(json_at(r->request, "ext.prebid.multibid"), r->a, &mb);
	if (t.brand_category) {
		struct categories c;
		struct nonbids nb;

		nonbids_init(&nb, r->a, NULL, 0);
		CHECK(name, categories_parse(t.brand_category, &c, &why) == 0);
		categories_apply(&c, mapping(r->a), &t, &r->seats, &rng, &nb, NULL, r->a);
	}
	winners_choose(&r->seats, t.prefer_deals, limit, r->a, &r->ranking);
	targeting_set(&t, &r->ranking, &mb, &rng, r->a);
}

static const struct bid *find_bid(const struct replay *r, struct str seat, struct str id)
{
	const struct seat *s = seats_find(&r->seats, seat);

	for (size_t i = 0; s && i < s->n_bids; i++)
		if (str_eq(s->bids[i]->id, id))
			return s->bids[i];
	return NULL;
}

static void compare_seat(struct replay *r, const char *name, const json_t *seat)
{
	size_t i;
	json_t *want;

	json_array_foreach (json_object_get(seat, "bid"), i, want) {
		const struct bid *b = find_bid(r, json_str_at(seat, "seat"), json_str_at(want, "id"));
		json_t *targeting = json_at(want, "ext.prebid.targeting");

		CHECK(name, b);
		CHECK_STR(name, b->target_code, json_str_at(want, "ext.prebid.targetbiddercode").p);
		if (json_object_size(targeting) || json_object_size(b->targeting))
			CHECK(name, json_equal(targeting, b->targeting));
		r->n_compared++;
	}
}

static size_t replay(const char *name)
{
	struct replay r = { .a = arena_new() };
	char *path = arena_printf(r.a, "%s/%s", dir, name);
	struct errtext why;
	struct messages m;
	size_t i, n;
	json_t *seat;

	messages_init(&m, r.a);
	r.vector = arena_own_json(r.a, json_parse_file(path, 1 << 20, &why));
	CHECK(name, r.vector);
	r.request = json_at(r.vector, "incomingRequest.ortbRequest");
	seats_init(&r.seats, r.a);
	if (is_in_scope(r.request) && ext_decode(r.request, &m) == 0) {
		take_bids(&r);
		run_stages(&r, name);
		json_array_foreach (json_at(r.vector, "response.bids.seatbid"), i, seat)
			compare_seat(&r, name, seat);
	}
	n = r.n_compared;
	arena_free(r.a);
	return n;
}

static void targeting_of_vectors(void **state)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	(void)state;
	if (!d)
		skip();
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (str_ends(str_of(e->d_name), STR(".json")))
			n += replay(e->d_name);
	closedir(d);
	CHECK("some bids were compared", n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(targeting_of_vectors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
