#include "tests/check.h"

#include <math.h>
#include <stdlib.h>

#include "common/mem.h"
#include "idr/intake/event_bytes.h"
#include "idr/intake/heard.h"
#include "idr/intake/shared_batch.h"
#include "idr/intake/shared_docs.h"

static struct event make_event(struct event_bidder *b)
{
	struct event e = { .ts_ms = 1767225600123, .auction_id = STR("a1"), .bidders = b, .n_bidders = 3 };

	b[0] = (struct event_bidder){
		.code = STR("aster"), .status = OUTCOME_BID, .wins = 1, .cpm_usd = 1.5f, .latency_ms = 80
	};
	b[1] = (struct event_bidder){ .code = STR("birch"), .status = OUTCOME_NOT_CALLED, .latency_ms = -1 };
	b[2] = (struct event_bidder){ .code = STR("cedar"), .status = OUTCOME_TIMEOUT, .latency_ms = -1 };
	e.ctx = (struct context){ .publisher = 7, .country = 0x4742, .format = FORMAT_VIDEO, .hour = 23 };
	memcpy(e.ctx.floor_cur, "USD", 4);
	return e;
}

static void events_keep_what_is_learned(void **state)
{
	struct event_bidder bidders[3];
	struct event e = make_event(bidders);
	static struct shared_event got;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	event_bytes_write(&e, &b);
	CHECK("own bytes can be read", event_bytes_parse(buf_str(&b), &got));
	CHECK("context", memcmp(&got.ctx, &e.ctx, sizeof got.ctx) == 0);
	CHECK("time and auction", got.ts_ms == e.ts_ms && got.auction == classify_name(e.auction_id));
	CHECK("those not called stay out", got.n == 2);
	CHECK_STR("code", got.outcome[0].code, "aster");
	CHECK("a winning bid", got.outcome[0].status == OUTCOME_BID && got.outcome[0].won &&
				       got.outcome[0].cpm_usd == 1.5f && got.outcome[0].latency_ms == 80);
	CHECK("a timeout", got.outcome[1].status == OUTCOME_TIMEOUT && got.outcome[1].latency_ms == -1);
	for (size_t n = 0; n < b.n; n++)
		CHECK("cut anywhere", !event_bytes_parse((struct str){ b.p, n }, &got));
	buf_deinit(&b);
}

static void numbers_out_of_range_are_refused(void **state)
{
	static const char *const why[] = { "format",  "device", "price", "not a price",
					   "latency", "status", "floor" };
	static struct shared_event got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(why); i++) {
		struct event_bidder bidders[3];
		struct event e = make_event(bidders);
		struct buf b;

		switch (i) {
		case 0: e.ctx.format = FORMATS; break;
		case 1: e.ctx.device = DEVICE_KINDS; break;
		case 2: bidders[0].cpm_usd = 1e9f; break;
		case 3: bidders[0].cpm_usd = NAN; break;
		case 4: bidders[2].latency_ms = INFINITY; break;
		case 5: bidders[2].status = 9; break;
		default: e.ctx.floor_usd = NAN; break;
		}
		buf_init(&b, 4096);
		event_bytes_write(&e, &b);
		CHECK(why[i], !event_bytes_parse(buf_str(&b), &got));
		buf_deinit(&b);
	}
}

static void stand_ins_are_the_last_ones(void **state)
{
	struct stand_ins s = { 0 };
	char text[16];

	(void)state;
	for (int i = 0; i < STAND_INS + 10; i++) {
		snprintf(text, sizeof text, "%d", i);
		stand_ins_add(&s, str_of(text));
	}
	CHECK("no more than fit", s.n == STAND_INS);
	for (uint64_t i = 0; i < STAND_INS; i++) {
		uint64_t v;

		CHECK("old ones are gone", str_parse_u64(stand_ins_pick(&s, i), 10, STAND_INS + 9, &v));
	}
	stand_ins_deinit(&s);
}

/* --- documents --- */

static void put(struct store *s, const char *key, const char *body, int64_t ms)
{
	struct store_doc d = { .kind = STR("settings"),
			       .key = str_of(key),
			       .body = str_of(body),
			       .actor = STR("me"),
			       .updated_ms = ms };

	CHECK(key, s->ops->doc_put(s, &d, NULL, NULL) == 0);
}

static void take_body(void *arg, const struct store_doc *d)
{
	char **body = arg;

	free(*body);
	*body = xstrndup(d->body.p, d->body.n);
}

static void the_later_change_wins(void **state)
{
	static const struct {
		const char *why, *mine;
		int64_t mine_ms; /* 0 = none */
		const char *theirs;
		int64_t theirs_ms;
		const char *after; /* NULL = deleted or never there */
		bool answered;     /* ours is told to them */
	} rows[] = {
		{ "theirs is new", "", 0, "{\"max_bidders\":3}", 5, "{\"max_bidders\":3}", false },
		{ "theirs is later", "{}", 4, "{\"max_bidders\":3}", 5, "{\"max_bidders\":3}", false },
		{ "ours is later", "{}", 6, "{\"max_bidders\":3}", 5, "{}", true },
		{ "the same", "{}", 5, "{}", 5, "{}", false },
		{ "the same time: the greater text", "{\"max_bidders\":2}", 5, "{\"max_bidders\":3}", 5,
		  "{\"max_bidders\":3}", false },
		{ "the same time, seen from the other side", "{\"max_bidders\":3}", 5, "{\"max_bidders\":2}",
		  5, "{\"max_bidders\":3}", true },
		{ "they deleted it", "{}", 4, "", 5, NULL, false },
		{ "we deleted it", "", 6, "{}", 5, NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store *s = memory_store_new();
		struct shared_doc *theirs = shared_doc_new(STR("settings/p1"), str_of(rows[i].theirs),
							   STR("them"), rows[i].theirs_ms),
				  *ours = NULL;
		char *body = NULL;
		bool settings;
		size_t taken;

		if (rows[i].mine_ms)
			put(s, "p1", rows[i].mine, rows[i].mine_ms);
		CHECK(rows[i].why, shared_docs_merge(s, theirs, true, &ours, &taken, &settings, NULL) == 0);
		CHECK(rows[i].why, (ours != NULL) == rows[i].answered);
		if (ours)
			CHECK_STR(rows[i].why, str_of(ours->body), rows[i].mine);
		CHECK(rows[i].why, s->ops->docs(s, STR("settings"), STR("p1"), take_body, &body, NULL) == 0);
		CHECK(rows[i].why, (body != NULL) == (rows[i].after != NULL));
		if (body)
			CHECK_STR(rows[i].why, str_of(body), rows[i].after);
		free(body);
		shared_docs_free(theirs);
		shared_docs_free(ours);
		store_free(s);
	}
}

static void what_they_lack_is_told(void **state)
{
	struct store *s = memory_store_new();
	struct shared_doc *theirs = shared_doc_new(STR("settings/b"), STR("{}"), STR("them"), 1),
			  *ours = NULL;
	bool settings;
	size_t taken;

	(void)state;
	put(s, "a", "{}", 1);
	put(s, "b", "{}", 1);
	put(s, "c", "", 1);
	CHECK("merge", shared_docs_merge(s, theirs, true, &ours, &taken, &settings, NULL) == 0);
	CHECK("one", ours && !ours->next && taken == 0 && !settings);
	CHECK_STR("the one they lack", str_of(ours->field), "settings/a");
	shared_docs_free(ours);
	CHECK("merge of some",
	      shared_docs_merge(s, theirs, false, &ours, &taken, &settings, NULL) == 0 && !ours);
	shared_docs_free(theirs);
	store_free(s);
}

static void documents_are_checked(void **state)
{
	static const struct {
		const char *why, *field, *value;
		bool good;
	} rows[] = {
		{ "settings", "settings/p1", "{\"ms\":1,\"actor\":\"a\",\"body\":\"{}\"}", true },
		{ "deleted", "floors/p/1", "{\"ms\":1,\"actor\":\"a\",\"body\":\"\"}", true },
		{ "settings that are none", "settings/p1", "{\"ms\":1,\"body\":\"{\\\"mode\\\":7}\"}",
		  false },
		{ "floors that are none", "floors/p1", "{\"ms\":1,\"body\":\"[]\"}", false },
		{ "a stored request that is none", "request/r", "{\"ms\":1,\"body\":\"3\"}", false },
		{ "unknown kind", "nothing/p1", "{\"ms\":1,\"body\":\"{}\"}", false },
		{ "no key", "settings/", "{\"ms\":1,\"body\":\"{}\"}", false },
		{ "no JSON", "settings/p1", "?", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct shared_doc *d = shared_doc_parse(str_of(rows[i].field), str_of(rows[i].value));

		CHECK(rows[i].why, (d != NULL) == rows[i].good);
		if (d) {
			FREE_ON_EXIT char *value = shared_doc_write(d);
			struct shared_doc *again = shared_doc_parse(str_of(rows[i].field), str_of(value));

			CHECK(rows[i].why, again && again->ms == 1);
			shared_docs_free(again);
		}
		shared_docs_free(d);
	}
}

/* What a machine read from the database it does not learn from the stream again. */
static void what_was_read_elsewhere_is_known(void **state)
{
	struct heard h = { 0 };

	(void)state;
	CHECK("who has heard of nothing skips nothing", !heard_before(&h, 1, 0));
	for (uint64_t i = 0; i < 5000; i++)
		heard_add(&h, i * i, 1000 + (int64_t)i);
	CHECK("each is kept once", h.n == 5000);
	heard_add(&h, 9, 1003);
	CHECK("the same again", h.n == 5000);
	for (uint64_t i = 0; i < 5000; i++)
		assert_true(heard_before(&h, i * i, 1000 + (int64_t)i));
	CHECK("an unknown auction of that time", !heard_before(&h, 7, 2000));
	CHECK("the same auction at another time is another event", !heard_before(&h, 9, 1004));
	CHECK("what is older than all that was read", heard_before(&h, 7, 999));
	heard_deinit(&h);
	CHECK("forgotten", !heard_before(&h, 9, 1003) && h.n == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_keep_what_is_learned),
		cmocka_unit_test(what_was_read_elsewhere_is_known),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(stand_ins_are_the_last_ones),
		cmocka_unit_test(the_later_change_wins),
		cmocka_unit_test(what_they_lack_is_told),
		cmocka_unit_test(documents_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
