#include "pbs/exchange/nonbid.h"

#include "common/json.h"
#include "pbs/exchange/bid.h"
#include "pbs/exchange/messages.h"
#include "tests/check.h"

static const struct str imp_ids[] = { { "1", 1 }, { "2", 1 } };

static void check_render(const char *why, json_t *got, const char *want)
{
	char *text = got ? json_text(got) : NULL;

	CHECK_STR(why, str_of(text), want);
	free(text);
	json_decref(got);
}

static void every_pair_has_a_status(void **state)
{
	struct arena *a = arena_new();
	struct nonbids nb;

	(void)state;
	nonbids_init(&nb, a, imp_ids, 2);
	check_render("nothing asked, nothing said", nonbids_render(&nb), "");
	nonbid_expect(&nb, STR("acme"), 0);
	nonbid_expect(&nb, STR("acme"), 1);
	nonbid_has_bid(&nb, STR("acme"), 0);
	nonbid_expect(&nb, STR("slow"), 0);
	nonbid_add(&nb, STR("slow"), 0, NONBID_TIMEOUT);
	nonbid_add(&nb, STR("slow"), 0, NONBID_ERROR);
	nonbid_add(&nb, STR("gone"), 1, NONBID_BLOCKED_PRIVACY);
	nonbid_add(&nb, STR("gone"), 7, NONBID_ERROR);
	nonbid_expect(&nb, STR("full"), 0);
	nonbid_has_bid(&nb, STR("full"), 0);
	check_render("silence is 0, the first failure stays, unknown imps are ignored", nonbids_render(&nb),
		     "[{\"nonbid\":[{\"impid\":\"2\",\"statuscode\":0}],\"seat\":\"acme\"},"
		     "{\"nonbid\":[{\"impid\":\"1\",\"statuscode\":101}],\"seat\":\"slow\"},"
		     "{\"nonbid\":[{\"impid\":\"2\",\"statuscode\":204}],\"seat\":\"gone\"}]");
	arena_free(a);
}

static void a_rejected_bid_is_shown(void **state)
{
	struct arena *a = arena_new();
	struct errtext why;
	json_t *j = arena_own_json(a, json_parse(STR("{\"id\":\"b\",\"impid\":\"1\",\"price\":0.1,\"w\":1,"
						     "\"h\":0,\"adomain\":[\"x.example\"]}"),
						 &why));
	struct bid *b = bid_new(a, j, BID_BANNER);
	struct nonbids nb;

	(void)state;
	b->imp = 0;
	b->bidder = b->seat = STR("acme");
	b->price = 0.2;
	b->orig_cur = STR("EUR");
	nonbids_init(&nb, a, imp_ids, 2);
	nonbid_expect(&nb, b->bidder, 0);
	nonbid_add_bid(&nb, b, NONBID_SILENT);
	nonbid_add_bid(&nb, b, NONBID_BELOW_FLOOR);
	check_render("price as converted, origin beside it, zeros left out", nonbids_render(&nb),
		     "[{\"nonbid\":[{\"impid\":\"1\",\"statuscode\":301,\"ext\":{\"prebid\":{\"bid\":{"
		     "\"price\":0.2,"
		     "\"adomain\":[\"x.example\"],\"w\":1,\"origbidcpm\":0.1,\"origbidcur\":\"EUR\"}}}}],"
		     "\"seat\":\"acme\"}]");
	arena_free(a);
}

static void messages_by_bucket(void **state)
{
	struct arena *a = arena_new();
	struct messages m;

	(void)state;
	messages_init(&m, a);
	check_render("no message, no member", messages_render(&m, MESSAGE_ERROR, true), "");
	messages_add(&m, MESSAGE_WARNING, BUCKET_GENERAL, WARN_MULTIBID, "w %d", 1);
	messages_add(&m, MESSAGE_ERROR, STR("acme"), ERROR_PLAIN, "%s", "e");
	messages_add(&m, MESSAGE_DEBUG_ERROR, STR("acme"), ERROR_PLAIN, "only in debug");
	messages_add(&m, MESSAGE_ERROR, STR("acme"), ERROR_TIMEOUT, "late");
	check_render("errors", messages_render(&m, MESSAGE_ERROR, false),
		     "{\"acme\":[{\"code\":999,\"message\":\"e\"},{\"code\":1,\"message\":\"late\"}]}");
	check_render("warnings", messages_render(&m, MESSAGE_WARNING, false),
		     "{\"general\":[{\"code\":10006,\"message\":\"w 1\"}]}");
	check_render(
		"errors in debug", messages_render(&m, MESSAGE_ERROR, true),
		"{\"acme\":[{\"code\":999,\"message\":\"e\"},{\"code\":999,\"message\":\"only in debug\"},"
		"{\"code\":1,\"message\":\"late\"}]}");
	for (int i = 0; i < 2 * MESSAGES_MAX; i++)
		messages_add(&m, MESSAGE_ERROR, STR("noisy"), ERROR_PLAIN, "x");
	CHECK("a flood is bounded", m.n == MESSAGES_MAX);
	arena_free(a);
}

static void seats_grow_and_sweep(void **state)
{
	struct arena *a = arena_new();
	json_t *empty = arena_own_json(a, json_object());
	struct seats s;
	struct seat *seat;

	(void)state;
	seats_init(&s, a);
	seat = seats_get(&s, STR("x"), STR("x"), STR("x"));
	CHECK("one seat per name", seats_get(&s, STR("x"), STR("y"), STR("y")) == seat);
	for (int i = 0; i < 9; i++) {
		struct bid *b = bid_new(a, empty, BID_VIDEO);

		seat_add(&s, seat, b);
		if (i % 2)
			bid_drop(b, NONBID_REJECTED);
	}
	CHECK("dropped bids stay until swept", seat->n_bids == 9);
	seat_sweep(seat);
	CHECK("swept", seat->n_bids == 5);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_has_a_status),
		cmocka_unit_test(a_rejected_bid_is_shown),
		cmocka_unit_test(messages_by_bucket),
		cmocka_unit_test(seats_grow_and_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
