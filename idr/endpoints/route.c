/* POST /route: whom to call. No I/O and no lock; whatever is wrong on our side, the answer names everybody. */
#include <math.h>

#include "common/idr_wire.h"
#include "common/json.h"
#include "idr/endpoints/endpoints.h"
#include "idr/intake/settings_docs.h"
#include "idr/spans.h"

enum { CODE_SLOTS = 2048 };
_Static_assert(CODE_SLOTS >= 2 * IDR_MAX_BIDDERS, "the table of codes must stay half empty");
_Static_assert((int)IDR_COMPONENTS == COMPONENTS && (int)IDR_ID_MATCH == COMPONENT_ID_MATCH,
	       "the wire's components are the model's, in the same order");

/* Leaves the first of each code. */
static size_t drop_duplicates(struct arena *a, struct str *codes, size_t n)
{
	uint16_t *slot = ARENA_ARRAY(a, uint16_t, CODE_SLOTS);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)str_hash(codes[i]) % CODE_SLOTS;

		while (slot[at] && !str_eq(codes[slot[at] - 1], codes[i]))
			at = (at + 1) % CODE_SLOTS;
		if (slot[at])
			continue;
		codes[kept++] = codes[i];
		slot[at] = (uint16_t)kept;
	}
	return kept;
}

static double shown(float v)
{
	return round((double)v * 1e4) / 1e4;
}

static struct idr_score score_of(struct str code, const struct verdict *v)
{
	struct idr_score s = {
		.bidder = code,
		.total = shown(v->total),
		.confidence = shown(v->confidence),
		.reason = str_of(reason_name((enum reason)v->reason)),
		.selected = v->selected,
		.probability = shown(v->probability),
		.expected_price = shown(v->price_usd),
		.marginal_value = shown(v->marginal_usd),
		.value_score = shown(v->value_score),
		.alive = shown(v->alive),
		.rank = v->rank,
		.level = str_of(level_name((enum level)v->level)),
		.samples = shown(v->samples),
	};

	for (int i = 0; i < COMPONENTS; i++)
		s.components[i] = shown(v->component[i]);
	return s;
}

static void reply(struct http_request *req, const struct idr_route_reply *r)
{
	struct buf b;

	buf_init(&b, 4u << 20);
	buf_reserve(&b, 1024);
	idr_wire_write_reply(&b, r);
	http_reply_buf(req, 200, "application/json", &b);
}

/* By rank, then those that were not ranked (always called, exploration) in the order they came in. */
static size_t list_selected(struct arena *a, const struct str *codes, size_t n, const struct decision *d,
			    size_t judged, const struct str **ret_v)
{
	struct str *v = ARENA_ARRAY(a, struct str, n + 1);
	int16_t at[256];
	size_t n_v = 0;

	memset(at, -1, sizeof at);
	for (size_t i = 0; i < judged; i++)
		if (d->v[i].selected && d->v[i].rank)
			at[d->v[i].rank] = (int16_t)i;
	for (size_t rank = 1; rank < sizeof at / sizeof *at; rank++)
		if (at[rank] >= 0)
			v[n_v++] = codes[at[rank]];
	for (size_t i = 0; i < n; i++)
		if (i >= judged || (d->v[i].selected && (!d->v[i].rank || at[d->v[i].rank] != (int16_t)i)))
			v[n_v++] = codes[i];
	*ret_v = v;
	return n_v;
}

static void explain(struct arena *a, const struct str *codes, const struct decision *d, size_t judged,
		    bool scores, struct idr_route_reply *r)
{
	struct idr_exclusion *x = ARENA_ARRAY(a, struct idr_exclusion, judged + 1);
	struct idr_score *s = ARENA_ARRAY(a, struct idr_score, scores ? judged + 1 : 1);

	for (size_t i = 0; i < judged; i++) {
		if (scores)
			s[i] = score_of(codes[i], &d->v[i]);
		if (!d->v[i].selected)
			x[r->n_excluded++] =
				(struct idr_exclusion){ codes[i],
							str_of(reason_name((enum reason)d->v[i].reason)) };
	}
	r->excluded = x;
	r->scores = s;
	r->n_scores = scores ? judged : 0;
}

static void count(struct idr_worker *w, const struct decision *d, size_t judged, size_t configured,
		  size_t selected, uint64_t us)
{
	metrics_inc(w->metrics, M_DECISIONS, d->mode);
	metrics_observe(w->metrics, M_DECISION_TIME, (double)us / 1e6);
	metrics_add(w->metrics, M_CONFIGURED, configured);
	metrics_add(w->metrics, M_SELECTED, selected);
	for (size_t i = 0; i < judged; i++)
		metrics_inc(w->metrics, M_VERDICTS, d->v[i].reason);
}

static void tell(struct http_request *req, const struct idr_route_request *r,
		 const struct idr_route_reply *out)
{
	const struct otlp_attribute attributes[] = {
		{ .key = "nexus.publisher", .text = r->publisher_id },
		{ .key = "nexus.router.mode", .text = out->mode },
		{ .key = "nexus.bidders", .number = (int64_t)r->n_bidders },
		{ .key = "nexus.bidders.selected", .number = (int64_t)out->n_selected },
	};

	spans_add(req, 200, attributes, ARRAY_LEN(attributes));
}

static void decide(struct idr_worker *w, const struct router *router, struct arena *a,
		   const struct idr_route_request *r, const struct str *codes, size_t n)
{
	struct candidate *cand = ARENA_ARRAY(a, struct candidate, n + 1);
	int64_t now_ms = idr_now_ms(w, (int64_t)(fmin(r->ts, 1e12) * 1000));
	struct context ctx;
	struct decide_in in = {
		.ctx = &ctx,
		.cand = cand,
		.n = n < ROUTER_CANDIDATES ? n : ROUTER_CANDIDATES,
		.auction = classify_name(r->auction_id),
		.now_ms = now_ms,
		.scores = r->scores,
	};

	classify_request(r->tree, now_ms, &ctx);
	ctx.floor_usd *= (float)rates_usd(&idr_live_config(w)->rates, str_of(ctx.floor_cur));
	in.settings = settings_find(idr_settings(w), &ctx, &w->scratch);
	router_resolve(router, codes, in.n, cand);
	router_decide(router, &in, &w->decision);
}

/* `explaining`: somebody wants to know, nobody is called; the counts of decisions stay those of auctions. */
static void answer(struct http_request *req, bool explaining)
{
	struct idr_worker *w = idr_worker_of(req);
	const struct router *router = atomic_load_explicit(&w->idr->router, memory_order_acquire);
	struct idr_route_request r;
	struct idr_route_reply out = { 0 };
	struct errtext why = { "" };
	uint64_t begin_us = clock_mono_us(), us;
	struct str *codes;
	size_t n, judged;

	if (idr_wire_parse_route(req->arena, req->body, &r, &why) < 0) {
		http_reply_error(req, 400, "%s", why.text);
		return;
	}
	if (!endpoint_may_see(req, r.publisher_id))
		return;
	codes = ARENA_ARRAY(req->arena, struct str, r.n_bidders + 1);
	memcpy(codes, r.bidders, r.n_bidders * sizeof *codes);
	n = drop_duplicates(req->arena, codes, r.n_bidders);
	judged = n < ROUTER_CANDIDATES ? n : ROUTER_CANDIDATES;
	r.scores |= explaining;
	out.auction_id = r.auction_id;
	if (!router) {
		out.mode = str_of(route_mode_name(ROUTE_LEARNING));
		out.error = STR("the index is not loaded yet");
		out.selected = codes;
		out.n_selected = n;
		tell(req, &r, &out);
		reply(req, &out);
		return;
	}
	decide(w, router, req->arena, &r, codes, n);
	us = clock_mono_us() - begin_us;
	out.mode = str_of(route_mode_name(w->decision.mode));
	out.control = w->decision.control;
	out.n_selected = list_selected(req->arena, codes, n, &w->decision, judged, &out.selected);
	out.suggested_tmax = router_suggest_timeout(router, classify_name(r.publisher_id));
	out.routing_time_ms = (double)us / 1000;
	explain(req->arena, codes, &w->decision, judged, r.scores, &out);
	if (!explaining)
		count(w, &w->decision, judged, n, out.n_selected, us);
	tell(req, &r, &out);
	reply(req, &out);
}

void endpoint_route(struct http_request *req)
{
	answer(req, false);
}

/* POST /api/v1/explain: what /route would decide, with the scores of all. */
void endpoint_explain(struct http_request *req)
{
	answer(req, true);
}
