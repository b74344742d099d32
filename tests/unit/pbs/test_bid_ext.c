#include "pbs/exchange/bid_ext.h"

#include <stdlib.h>

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return arena_own_json(a, json_parse(str_of(text), &why));
}

static void checks(void **state)
{
	static const struct {
		const char *why, *bid, *meta,
			*message;     /* meta of the bid afterwards, message when it is dropped */
		const char *adapters; /* meta that the adapter gave */
	} rows[] = {
		{ "no ext", "{}", "", "", NULL },
		{ "null is none", "{\"ext\":null}", "", "", NULL },
		{ "whatever else it holds", "{\"ext\":{\"x\":1,\"prebid\":7}}", "", "", NULL },
		{ "the bidder's meta, known members only",
		  "{\"ext\":{\"prebid\":{\"meta\":{\"brandId\":3,\"x\":1,\"advertiserDomains\":[\"a."
		  "example\"]}}}}",
		  "{\"brandId\":3,\"advertiserDomains\":[\"a.example\"]}", "", NULL },
		{ "the adapter's own go first", "{\"ext\":{\"prebid\":{\"meta\":{\"brandId\":\"bad\"}}}}",
		  "{\"networkName\":\"n\"}", "", "{\"networkName\":\"n\"}" },
		{ "a text is no ext", "{\"id\":\"b\",\"ext\":\"x\"}", "",
		  "bid \"b\": ext: expected an object", NULL },
		{ "a list is no ext", "{\"id\":\"b\",\"ext\":[]}", "", "bid \"b\": ext: expected an object",
		  NULL },
		{ "meta of the wrong type", "{\"ext\":{\"prebid\":{\"meta\":{\"brandId\":\"x\"}}}}", "",
		  "error validating response from server, brandId: expected an integer", NULL },
	};
	static const struct str imp_ids[] = { { "1", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct bid *b = bid_new(a, parse(a, rows[i].bid), BID_BANNER);
		struct messages m;
		struct nonbids nb;
		struct seats seats;
		struct str said;
		char *meta;

		messages_init(&m, a);
		nonbids_init(&nb, a, imp_ids, 1);
		seats_init(&seats, a);
		b->bidder = STR("acme");
		b->meta = rows[i].adapters ? parse(a, rows[i].adapters) : NULL;
		seat_add(&seats, seats_get(&seats, STR("seat"), STR("acme"), STR("acme")), b);
		bid_ext_check_seats(&seats, &nb, &m);
		said = m.buckets ? m.buckets->first->text : STR("");
		CHECK(rows[i].why, b->dropped == (rows[i].message[0] != '\0'));
		CHECK(rows[i].why, seats.seats[0]->n_bids == !b->dropped);
		CHECK_STR(rows[i].why, said, rows[i].message);
		if (m.buckets)
			CHECK_STR(rows[i].why, m.buckets->name, "seat");
		meta = b->meta ? json_text(b->meta) : NULL;
		CHECK_STR(rows[i].why, str_of(meta), rows[i].meta);
		free(meta);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(checks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
