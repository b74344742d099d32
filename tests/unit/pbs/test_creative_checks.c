#include "pbs/exchange/creative_checks.h"

#include "common/json.h"
#include "tests/check.h"

static json_t *parse(struct arena *a, const char *text)
{
	struct errtext why;

	return text ? json_array_get(
			      arena_own_json(a, json_parse(str_of(arena_printf(a, "[%s]", text)), &why)), 0)
		    : NULL;
}

static void dsa(void **state)
{
	static const char x100[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				   "xxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const struct {
		const char *why, *wanted, *bid, *want;
	} rows[] = {
		{ "nothing asked", NULL, NULL, "" },
		{ "supported", "{\"dsarequired\":1}", NULL, "" },
		{ "required", "{\"dsarequired\":2}", NULL, "bid rejected: DSA object missing when required" },
		{ "required, online platform", "{\"dsarequired\":3}", NULL,
		  "bid rejected: DSA object missing when required" },
		{ "given", "{\"dsarequired\":2}", "{\"behalf\":\"%s\",\"paid\":\"%s\"}", "" },
		{ "long behalf", NULL, "{\"behalf\":\"%sx\"}",
		  "bid rejected: DSA behalf exceeds limit of 100 chars" },
		{ "long paid", NULL, "{\"behalf\":\"%s\",\"paid\":\"%sx\"}",
		  "bid rejected: DSA paid exceeds limit of 100 chars" },
		{ "nobody renders", "{\"pubrender\":0}", "{\"adrender\":0}",
		  "bid rejected: DSA publisher and buyer both signal will not render" },
		{ "buyer renders", "{\"pubrender\":0}", "{\"adrender\":1}", "" },
		{ "both render", "{\"pubrender\":2}", "{\"adrender\":1}",
		  "bid rejected: DSA publisher and buyer both signal will render" },
		{ "publisher may", "{\"pubrender\":1}", "{\"adrender\":1}", "" },
		{ "one value missing", "{\"pubrender\":0}", "{}", "" },
	};
	static const struct str imp_ids[] = { { "1", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct creative_policy p = { .dsa = parse(a, rows[i].wanted) };
		struct bid *b = bid_new(a, parse(a, "{\"id\":\"b\",\"impid\":\"1\"}"), BID_NATIVE);
		struct messages m;
		struct nonbids nb;

		if (rows[i].bid) {
			struct buf text;
			const char *fmt = rows[i].bid;

			buf_init(&text, 4096);
			buf_add_z(&text, "{\"dsa\":");
			for (const char *s; (s = strstr(fmt, "%s")) != NULL; fmt = s + 2) {
				buf_add(&text, fmt, (size_t)(s - fmt));
				buf_add_z(&text, x100);
			}
			buf_add_z(&text, fmt);
			buf_add_z(&text, "}");
			json_object_set(b->ortb, "ext", parse(a, buf_cstr(&text)));
			buf_deinit(&text);
		}
		b->seat = b->bidder = STR("acme");
		messages_init(&m, a);
		nonbids_init(&nb, a, imp_ids, 1);
		CHECK(rows[i].why, creative_check(b, &p, &nb, &m) == !rows[i].want[0]);
		CHECK(rows[i].why, b->dropped == (rows[i].want[0] != 0));
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].want);
		if (m.buckets)
			CHECK(rows[i].why, b->nonbid == 300 && m.buckets->first->code == WARN_DSA);
		arena_free(a);
	}
}

static void size_and_markup(void **state)
{
	static const struct {
		const char *why, *bid;
		enum bid_type type;
		enum creative_mode size, secure;
		const char *want;
		int nonbid; /* 0: stays */
	} rows[] = {
		{ "fits", "{\"w\":300,\"h\":250}", BID_BANNER, CREATIVE_ENFORCE, CREATIVE_SKIP, "", 0 },
		{ "too wide", "{\"w\":301}", BID_BANNER, CREATIVE_ENFORCE, CREATIVE_SKIP,
		  "bidResponse rejected: size WxH", 351 },
		{ "any height when 0", "{\"h\":9999}", BID_BANNER, CREATIVE_ENFORCE, CREATIVE_SKIP, "", 0 },
		{ "warned", "{\"w\":301}", BID_BANNER, CREATIVE_WARN, CREATIVE_SKIP,
		  "bidResponse creative size warning: size WxH larger than AdUnit sizes", 0 },
		{ "skipped", "{\"w\":301}", BID_BANNER, CREATIVE_SKIP, CREATIVE_SKIP, "", 0 },
		{ "video has no such limit", "{\"w\":301}", BID_VIDEO, CREATIVE_ENFORCE, CREATIVE_SKIP, "",
		  0 },
		{ "insecure", "{\"adm\":\"a http://x\"}", BID_VIDEO, CREATIVE_SKIP, CREATIVE_ENFORCE,
		  "bidResponse rejected: insecure creative in secure context", 352 },
		{ "insecure, encoded", "{\"adm\":\"a http%3A//x\"}", BID_BANNER, CREATIVE_SKIP,
		  CREATIVE_ENFORCE, "bidResponse rejected: insecure creative in secure context", 352 },
		{ "insecure, warned", "{\"adm\":\"http:\"}", BID_BANNER, CREATIVE_SKIP, CREATIVE_WARN,
		  "bidResponse secure markup warning: insecure creative in secure contexts", 0 },
		{ "mixed is secure", "{\"adm\":\"http://x https://y\"}", BID_BANNER, CREATIVE_SKIP,
		  CREATIVE_ENFORCE, "", 0 },
		{ "mixed, encoded", "{\"adm\":\"http://x https%3A//y\"}", BID_BANNER, CREATIVE_SKIP,
		  CREATIVE_ENFORCE, "", 0 },
		{ "native is not looked at", "{\"adm\":\"http:\"}", BID_NATIVE, CREATIVE_SKIP,
		  CREATIVE_ENFORCE, "", 0 },
		{ "no markup", "{}", BID_BANNER, CREATIVE_SKIP, CREATIVE_ENFORCE, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		struct creative_policy p = { .size = rows[i].size,
					     .secure = rows[i].secure,
					     .max_width = 300 };
		struct bid *b = bid_new(a, parse(a, rows[i].bid), rows[i].type);
		struct messages m;
		struct nonbids nb;
		struct seats seats;

		messages_init(&m, a);
		nonbids_init(&nb, a, NULL, 0);
		seats_init(&seats, a);
		seat_add(&seats, seats_get(&seats, STR("s"), STR("s"), STR("s")), b);
		creative_check_seats(&seats, &p, &nb, &m);
		CHECK(rows[i].why, seats.seats[0]->n_bids == (rows[i].nonbid == 0));
		CHECK(rows[i].why, (b->dropped ? b->nonbid : 0) == rows[i].nonbid);
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].want);
		if (m.buckets)
			CHECK(rows[i].why, m.buckets->first->code == ERROR_BAD_SERVER_RESPONSE);
		arena_free(a);
	}
}

static void modes(void **state)
{
	enum creative_mode mode = CREATIVE_WARN;

	(void)state;
	CHECK("default", creative_mode_parse(STR(""), &mode) && mode == CREATIVE_SKIP);
	CHECK("enforce", creative_mode_parse(STR("enforce"), &mode) && mode == CREATIVE_ENFORCE);
	CHECK("unknown", !creative_mode_parse(STR("maybe"), &mode));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dsa),
		cmocka_unit_test(size_and_markup),
		cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
