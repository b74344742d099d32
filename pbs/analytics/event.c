#include "pbs/analytics/event.h"

#include <math.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/exchange/auction.h"

/* Source: OpenRTB 2.6 section 5, list "Device Types". */
static const char *const device_types[] = {
	"", "mobile", "desktop", "ctv", "mobile", "tablet", "ctv", "ctv"
};

static struct str device_type(const json_t *device, const struct user_agent *ua)
{
	int64_t type = json_int_at(device, "devicetype", 0);

	if (type > 0 && type < (int64_t)ARRAY_LEN(device_types))
		return str_of(device_types[type]);
	return str_of(ua->device);
}

static struct str operating_system(const json_t *device, const struct user_agent *ua)
{
	struct str os = json_str_at(device, "os");

	return os.n ? os : str_of(ua->os);
}

static struct str format_of(const json_t *imp)
{
	static const char *const formats[] = { "banner", "video", "native", "audio" };
	struct str found = STR("");

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!json_object_get(imp, formats[i]))
			continue;
		if (found.n)
			return STR("multi");
		found = str_of(formats[i]);
	}
	return found;
}

static struct str size_of(struct arena *arena, const json_t *imp)
{
	const json_t *banner = json_object_get(imp, "banner"), *video = json_object_get(imp, "video");
	const json_t *sized = json_array_get(json_object_get(banner, "format"), 0);
	int64_t w, h;

	if (!sized)
		sized = banner ? banner : video;
	w = json_int_at(sized, "w", 0);
	h = json_int_at(sized, "h", 0);
	if (w <= 0 || h <= 0)
		return STR("");
	return str_of(arena_printf(arena, "%lldx%lld", (long long)w, (long long)h));
}

/* Source: OpenRTB 2.6, list "Placement Positions". */
static struct str position_of(const json_t *imp)
{
	static const char *const positions[] = { "",       "atf",    "",        "btf",
						 "header", "footer", "sidebar", "fullscreen" };
	int64_t pos = json_int_at(imp, "banner.pos", json_int_at(imp, "video.pos", 0));

	return pos > 0 && pos < (int64_t)ARRAY_LEN(positions) ? str_of(positions[pos]) : STR("");
}

static void add_imps(const struct auction *a, struct idr_event *e)
{
	const json_t *imps = json_object_get(a->request, "imp"), *imp;
	struct idr_event_imp *list = ARENA_ARRAY(a->arena, struct idr_event_imp, a->n_imps);
	size_t i;

	json_array_foreach (imps, i, imp) {
		struct str cur = json_str_at(imp, "bidfloorcur");

		list[i] = (struct idr_event_imp){
			.id = a->imp_ids[i],
			.format = format_of(imp),
			.size = size_of(a->arena, imp),
			.position = position_of(imp),
			.floor = json_num_at(imp, "bidfloor", 0),
			.floor_cur = cur.n == 3 ? cur : STR("USD"),
		};
	}
	e->imps = list;
	e->n_imps = a->n_imps;
}

static void add_ids(const struct auction *a, struct idr_event *e)
{
	const json_t *eids = json_at(a->request, "user.eids"), *eid;
	size_t n = json_array_size(eids) < 64 ? json_array_size(eids) : 64, i;
	struct str *ids = ARENA_ARRAY(a->arena, struct str, n);

	json_array_foreach (eids, i, eid) {
		struct str source = json_str_at(eid, "source");

		if (e->n_ids < n && source.n && source.n <= IDR_MAX_NAME_BYTES)
			ids[e->n_ids++] = source;
	}
	e->ids = ids;
}

/* The router learns from bids for imps that it knows. */
static bool is_bid_of(const struct bid *b, struct str bidder)
{
	return b->imp >= 0 && str_eq(b->bidder, bidder);
}

static size_t count_bids(const struct auction *a, struct str bidder)
{
	size_t n = 0;

	for (size_t s = 0; s < a->seats.n; s++)
		for (size_t i = 0; i < a->seats.seats[s]->n_bids; i++)
			n += is_bid_of(a->seats.seats[s]->bids[i], bidder);
	return n;
}

static void add_bids(const struct auction *a, struct str bidder, struct idr_event_bidder *e)
{
	struct idr_event_bid *bids = ARENA_ARRAY(a->arena, struct idr_event_bid, count_bids(a, bidder));

	for (size_t s = 0; s < a->seats.n; s++)
		for (size_t i = 0; i < a->seats.seats[s]->n_bids; i++) {
			const struct bid *b = a->seats.seats[s]->bids[i];

			if (is_bid_of(b, bidder))
				bids[e->n_bids++] = (struct idr_event_bid){
					.imp = b->impid, .cpm = b->price, .cur = b->cur, .won = b->winner
				};
		}
	e->bids = bids;
}

static double score_of(const struct auction *a, struct str bidder)
{
	for (size_t i = 0; a->routing && i < a->routing->n_scores; i++)
		if (str_eq(a->routing->scores[i].bidder, bidder))
			return a->routing->scores[i].total;
	return NAN;
}

/* A bidder whose bids were all rejected has bid nothing that counts, whatever its call returned. One that was not asked, or
 * not to the end because the page waits for others only, has shown neither what it bids nor how fast. */
static enum idr_status status_of(const struct bidder_run *run, size_t n_bids)
{
	static const enum idr_status by_outcome[] = {
		[OUTCOME_NO_BID] = IDR_NO_BID,
		[OUTCOME_BID] = IDR_NO_BID,
		[OUTCOME_TIMEOUT] = IDR_TIMEOUT,
		[OUTCOME_ERROR] = IDR_ERROR,
	};

	if (!run || run->n_calls == run->n_spared + run->n_late || (run->left_behind && !n_bids))
		return IDR_NOT_CALLED;
	return n_bids ? IDR_BID : by_outcome[run->outcome];
}

static void add_bidders(const struct auction *a, struct idr_event *e)
{
	struct idr_event_bidder *list = ARENA_ARRAY(a->arena, struct idr_event_bidder, a->n_candidates);

	for (size_t i = 0; i < a->n_candidates; i++) {
		const struct candidate *c = &a->candidates[i];
		struct idr_event_bidder *b = &list[i];

		b->code = c->name;
		b->was_selected = c->selected;
		b->score = score_of(a, c->name);
		b->response_time_ms = c->run ? c->run->response_ms : 0;
		add_bids(a, c->name, b);
		b->status = status_of(c->run, b->n_bids);
	}
	e->bidders = list;
	e->n_bidders = a->n_candidates;
}

static struct str floors_of(const struct floors_state *f)
{
	if (!f->fetched_lot)
		return STR("");
	return f->skipped ? STR("skipped") : STR("applied");
}

void event_of_auction(const struct auction *a, struct idr_event *ret_e)
{
	const json_t *device = json_object_get(a->request, "device");
	const json_t *site = json_object_get(a->request, "site"), *app = json_object_get(a->request, "app");

	*ret_e = (struct idr_event){
		.auction_id = json_str_at(a->request, "id"),
		.publisher_id = a->account_id,
		.site = site ? json_str_at(site, "domain") : json_str_at(app, "bundle"),
		.country = json_str_at(device, "geo.country"),
		.region = json_str_at(device, "geo.region"),
		.device_type = device_type(device, &a->user_agent),
		.os = operating_system(device, &a->user_agent),
		.browser = app ? STR("app") : str_of(a->user_agent.browser),
		.routing_mode = a->routing ? a->routing->mode : STR("fallback"),
		.ts = (double)a->started_ms / 1000,
		.total_configured = a->n_candidates,
		.tmax = a->timeout_ms,
		.floors = floors_of(&a->floors),
	};
	add_ids(a, ret_e);
	add_imps(a, ret_e);
	add_bidders(a, ret_e);
}
