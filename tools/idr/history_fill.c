/* Fills a folder with a history as nexus-idr would have recorded it, for measurements.
 *
 * usage: history-fill DIR [rows] [days] [publishers] [seed]
 *
 * Auctions of 12 of 40 bidders each, spread evenly over the days up to now; publishers, countries and bidders are as
 * unequal as in life. The rows go through the store's own append and maintenance, so tables, roll-ups and price history
 * are what they would be. Prints one line of JSON.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "idr/intake/event_parse.h"
#include "idr/store/store.h"

enum { BIDDERS = 40, ASKED = 12, BATCH = 2000, AUDIENCES = 4000, DAY_MS = 86400000 };

static const char *const countries[] = {
	"USA", "GBR", "DEU", "FRA", "JPN", "ITA", "ESP", "CAN", "BRA", "IND",
	"NLD", "SWE", "POL", "AUS", "MEX", "CHE", "AUT", "BEL", "DNK", "NOR"
};
static const struct {
	const char *format, *size;
} places[] = { { "banner", "300x250" }, { "banner", "728x90" }, { "banner", "320x50" },
	       { "banner", "300x600" }, { "video", "640x480" }, { "native", "" } };
static const char *const devices[] = { "mobile", "desktop", "tablet", "ctv" };

static struct {
	struct rng rng;
	struct arena *arena;
	struct event audience[AUDIENCES]; /* read as /analytics reads them, so that contexts are real */
	struct event_bidder rows[BATCH][ASKED];
	struct event events[BATCH];
	struct event *list[BATCH];
	char ids[BATCH][32];
	char code[BIDDERS][16];
} f;

/* The smaller, the more often. */
static size_t unequal(size_t n)
{
	double u = rng_unit(&f.rng);

	return (size_t)((double)n * u * u * u);
}

static void make_audiences(unsigned publishers)
{
	struct rates rates = { 0 };
	struct event_limits lim = { .max_ts_ms = INT64_MAX / 2, .rates = &rates };
	struct errtext why = { "" };

	for (size_t i = 0; i < AUDIENCES; i++) {
		size_t place = unequal(ARRAY_LEN(places));
		unsigned unpriced;
		FREE_ON_EXIT char *text = xasprintf(
			"{\"auction_id\":\"x\",\"ts\":1,\"publisher_id\":\"pub-%zu\",\"country\":\"%s\","
			"\"device_type\":\"%s\",\"os\":\"ios\",\"browser\":\"safari\",\"ids\":[\"uid2\"],"
			"\"routing_mode\":\"normal\",\"imps\":[{\"id\":\"1\",\"ad_format\":\"%s\","
			"\"ad_size\":\"%s\",\"floor\":%.2f,\"floor_cur\":\"USD\"}],\"bidders\":[]}",
			unequal(publishers), countries[unequal(ARRAY_LEN(countries))],
			devices[unequal(ARRAY_LEN(devices))], places[place].format, places[place].size,
			0.1 * (double)rng_below(&f.rng, 5));
		json_t *j = json_parse(str_of(text), &why);

		if (!j || event_parse(j, &lim, f.arena, &f.audience[i], &unpriced, &why) < 0) {
			fprintf(stderr, "history-fill: %s\n", why.text);
			exit(1);
		}
		json_decref(j);
	}
}

static struct event_bidder outcome(size_t bidder, double floor)
{
	double u = rng_unit(&f.rng),
	       price = 0.3 * exp(1.2 * rng_unit(&f.rng) + 1.5 / (1 + (double)bidder / 8));
	struct event_bidder b = { .code = str_of(f.code[bidder]), .score = -1 };

	if (u < 0.4) {
		b.status = OUTCOME_NOT_CALLED;
		b.latency_ms = -1;
		return b;
	}
	b.selected = true;
	b.latency_ms = (float)(30 + 200 * rng_unit(&f.rng) * rng_unit(&f.rng));
	b.status = u > 0.98                                   ? OUTCOME_TIMEOUT
		   : u < 0.4 + 0.5 / (1 + (double)bidder / 6) ? OUTCOME_BID
							      : OUTCOME_NO_BID;
	if (b.status == OUTCOME_BID) {
		b.bids = 1;
		b.cpm_usd = (float)fmax(price, floor);
	}
	return b;
}

static void make_event(size_t at, uint64_t n, int64_t ts_ms)
{
	struct event *e = &f.events[at];
	struct event_bidder *row = f.rows[at], *best = NULL;
	size_t first = unequal(BIDDERS);

	*e = f.audience[rng_below(&f.rng, AUDIENCES)];
	snprintf(f.ids[at], sizeof f.ids[at], "a-%" PRIu64, n);
	e->auction_id = str_of(f.ids[at]);
	e->ts_ms = ts_ms;
	e->group = rng_unit(&f.rng) < 0.03 ? GROUP_CONTROL : GROUP_ROUTED;
	for (size_t i = 0; i < ASKED; i++) {
		row[i] = outcome((first + i) % BIDDERS, (double)e->ctx.floor_usd);
		if (!best || row[i].cpm_usd > best->cpm_usd)
			best = &row[i];
	}
	if (best->cpm_usd > 0) {
		best->wins = 1;
		best->revenue_usd = best->cpm_usd;
	}
	e->bidders = row;
	e->n_bidders = ASKED;
	e->total_configured = 15;
	f.list[at] = e;
}

static void fill(struct store *s, uint64_t auctions, uint64_t days)
{
	int64_t end_ms = clock_wall_ms(), begin_ms = end_ms - (int64_t)days * DAY_MS;
	struct errtext why = { "" };
	bool more;

	for (uint64_t n = 0; n < auctions;) {
		size_t batch = 0;

		for (; batch < BATCH && n < auctions; batch++, n++)
			make_event(batch, n,
				   begin_ms + (int64_t)((double)(end_ms - begin_ms) * (double)n /
							(double)auctions));
		if (s->ops->append(s, f.list, batch, &why) < 0 ||
		    (n % 100000 < BATCH && s->ops->maintain(s, 0, 0, &more, &why) < 0)) {
			fprintf(stderr, "history-fill: %s\n", why.text);
			exit(1);
		}
	}
}

static uint64_t number(int argc, char **argv, int at, uint64_t otherwise)
{
	return argc > at ? strtoull(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	uint64_t rows = number(argc, argv, 2, 10000000), days = number(argc, argv, 3, 90);
	uint64_t publishers = number(argc, argv, 4, 200);
	uint64_t begin_us = clock_mono_us();
	struct errtext why = { "" };
	struct store_totals totals;
	struct store *s;

	if (argc < 2 || !rows || !days || !publishers || publishers > 100000) {
		fprintf(stderr, "usage: history-fill DIR [rows] [days] [publishers] [seed]\n");
		return 2;
	}
	(void)mkdir(argv[1], 0750);
	FREE_ON_EXIT char *path = xasprintf("%s/idr.db", argv[1]);

	s = sqlite_store_new(&(struct sqlite_store_options){ .path = path }, &why);
	if (!s) {
		fprintf(stderr, "history-fill: %s\n", why.text);
		return 1;
	}
	rng_seed(&f.rng, number(argc, argv, 5, 1));
	f.arena = arena_new();
	for (size_t i = 0; i < BIDDERS; i++)
		snprintf(f.code[i], sizeof f.code[i], "bidder%02zu", i);
	make_audiences((unsigned)publishers);
	fill(s, rows / ASKED, days);
	s->ops->totals(s, &totals);
	store_free(s);
	arena_free(f.arena);
	printf("{\"rows\":%" PRIu64 ",\"auctions\":%" PRIu64 ",\"bytes\":%" PRId64 ",\"seconds\":%.1f}\n",
	       rows / ASKED * ASKED, rows / ASKED, totals.bytes, (double)(clock_mono_us() - begin_us) / 1e6);
	return 0;
}
