#include "idr/intake/event_parse.h"

#include <math.h>

#include "common/err.h"
#include "common/idr_wire.h"

_Static_assert((int)IDR_BID == OUTCOME_BID && (int)IDR_NO_BID == OUTCOME_NO_BID &&
		       (int)IDR_TIMEOUT == OUTCOME_TIMEOUT && (int)IDR_ERROR == OUTCOME_ERROR &&
		       (int)IDR_NOT_CALLED == OUTCOME_NOT_CALLED,
	       "the wire's statuses are the model's outcomes");

static const double max_cpm = 1e6, max_response_ms = 600000;

static int read_ts(double ts, const struct event_limits *lim, int64_t *ret_ms, struct errtext *why)
{
	double ms = ts * 1000;

	if (!(ms >= (double)lim->min_ts_ms) || !(ms <= (double)lim->max_ts_ms)) {
		errtext_set(why, "ts must be seconds since 1970, from %.0f to %.0f",
			    (double)lim->min_ts_ms / 1000, (double)lim->max_ts_ms / 1000);
		return ERR_INPUT;
	}
	*ret_ms = llround(ms);
	return 0;
}

/* `main_imp`: the first imp of the event, which is the one that is learned from. A bid that names no imp is
 * for it. */
static int reduce_bids(const struct idr_event_bidder *from, size_t at, struct str main_imp,
		       const struct rates *rates, struct event_bidder *b, unsigned *unpriced,
		       struct errtext *why)
{
	for (size_t i = 0; i < from->n_bids; i++) {
		const struct idr_event_bid *bid = &from->bids[i];
		double usd = rates_usd(rates, bid->cur);
		float cpm = (float)(bid->cpm * usd);

		if (!(bid->cpm * usd <= max_cpm)) {
			errtext_set(why, "bidders[%zu].bids[%zu].cpm must be at most %.0f", at, i, max_cpm);
			return ERR_INPUT;
		}
		*unpriced += usd <= 0;
		b->bids++;
		b->wins = (uint16_t)(b->wins + bid->won);
		if (bid->won)
			b->revenue_usd += cpm;
		if ((bid->imp.n == 0 || main_imp.n == 0 || str_eq(bid->imp, main_imp)) && cpm > b->cpm_usd)
			b->cpm_usd = cpm;
	}
	return 0;
}

static int reduce_bidder(const struct idr_event_bidder *from, size_t at, struct str main_imp,
			 const struct rates *rates, struct event_bidder *b, unsigned *unpriced,
			 struct errtext *why)
{
	bool told = from->status != IDR_NOT_CALLED && from->response_time_ms > 0;

	if (!(from->response_time_ms <= max_response_ms)) {
		errtext_set(why, "bidders[%zu].response_time_ms must be at most %.0f", at, max_response_ms);
		return ERR_INPUT;
	}
	*b = (struct event_bidder){
		.status = (uint8_t)from->status,
		.selected = from->was_selected,
		.latency_ms = told ? (float)from->response_time_ms : -1,
		.score = isnan(from->score) ? -1 : (float)fmin(from->score, 100),
	};
	return reduce_bids(from, at, main_imp, rates, b, unpriced, why);
}

static int reduce_bidders(const struct idr_event *from, const struct rates *rates, struct arena *a,
			  struct event *e, unsigned *unpriced, struct errtext *why)
{
	struct str main_imp = from->n_imps ? from->imps[0].id : STR("");
	struct event_bidder *b = ARENA_ARRAY(a, struct event_bidder, from->n_bidders + 1);

	if (from->n_bidders > EVENT_BIDDERS) {
		errtext_set(why, "bidders has more than %d elements", EVENT_BIDDERS);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < from->n_bidders; i++) {
		int err = reduce_bidder(&from->bidders[i], i, main_imp, rates, &b[i], unpriced, why);

		if (err)
			return err;
		b[i].code = arena_str(a, from->bidders[i].code);
	}
	e->bidders = b;
	e->n_bidders = from->n_bidders;
	return 0;
}

static void copy_texts(const struct idr_event *from, struct arena *a, struct event *e)
{
	e->auction_id = arena_str(a, from->auction_id);
	e->publisher = from->publisher_id.n ? arena_str(a, from->publisher_id) : STR("unknown");
	e->country = arena_str(a, from->country);
	e->device = arena_str(a, from->device_type);
	e->os = arena_str(a, from->os);
	e->browser = arena_str(a, from->browser);
	e->mode = arena_str(a, from->routing_mode);
	if (from->n_imps) {
		e->format = arena_str(a, from->imps[0].format);
		e->size = arena_str(a, from->imps[0].size);
	}
}

int event_parse(const json_t *j, const struct event_limits *lim, struct arena *a, struct event *ret_e,
		unsigned *ret_unpriced, struct errtext *why)
{
	struct idr_event wire;
	struct event e = { 0 };
	unsigned unpriced = 0;
	int err;

	if ((err = idr_wire_read_event(a, j, &wire, why)) || (err = read_ts(wire.ts, lim, &e.ts_ms, why)) ||
	    (err = reduce_bidders(&wire, lim->rates, a, &e, &unpriced, why)))
		return err;
	if (lim->key && !api_key_allows_publisher(lim->key, wire.publisher_id)) {
		errtext_set(why, "publisher_id is not the one this key is for");
		return ERR_INPUT;
	}
	copy_texts(&wire, a, &e);
	e.total_configured = (uint16_t)(wire.total_configured < 65535 ? wire.total_configured : 65535);
	e.floors = (uint8_t)event_floors_find(wire.floors);
	if (e.total_configured < e.n_bidders)
		e.total_configured = (uint16_t)e.n_bidders;
	classify_event(j, e.ts_ms, &e.ctx);
	e.ctx.floor_usd *= (float)rates_usd(lim->rates, str_of(e.ctx.floor_cur));
	memcpy(e.ctx.floor_cur, "USD", 4);
	*ret_e = e;
	*ret_unpriced = unpriced;
	return 0;
}
