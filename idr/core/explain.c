#include <math.h>

#include "idr/core/decide.h"
#include "idr/core/mathx.h"

static const float weights[COMPONENTS] = {
	[COMPONENT_WIN_RATE] = 0.25f,        [COMPONENT_BID_RATE] = 0.20f, [COMPONENT_CPM] = 0.15f,
	[COMPONENT_FLOOR_CLEARANCE] = 0.15f, [COMPONENT_LATENCY] = 0.10f,  [COMPONENT_RECENCY] = 0.10f,
	[COMPONENT_ID_MATCH] = 0.05f,
};

static const char *const component_names[COMPONENTS] = {
	"win_rate", "bid_rate", "cpm", "floor_clearance", "latency", "recency", "id_match",
};

static const char *const reason_names[REASONS] = {
	"none",      "always",    "anchor",          "high_score",  "marginal", "exploration",
	"diversity", "everybody", "below_threshold", "max_bidders", "never",    "no_marginal_value",
	"qps_limit",
};

static const char *const level_names[LEVELS] = {
	"prior", "global", "format", "country", "publisher", "publisher_context",
};

const char *component_name(enum component c)
{
	return component_names[c];
}

const char *reason_name(enum reason reason)
{
	return reason_names[reason];
}

const char *level_name(enum level level)
{
	return level_names[level];
}

static float score_latency(const struct bidder_counts *c)
{
	float ms = latency_quantile(c->latency, 0.95f);

	return ms > 0 ? clampf(100 - (ms - 100) / 4, 0, 100) : 0;
}

static float score_cpm(float price, float floor)
{
	if (!(floor > 0))
		return fminf(100, price * 20);
	return price < floor ? 50 * price / floor : fminf(100, 50 + 100 * (price - floor) / floor);
}

/* Chance of a bid with the ids of this auction, against the chance with every id there is. */
static float score_ids(const struct explain_in *x, size_t i)
{
	struct context all = *x->ctx;
	uint64_t key[FEATURES];
	int slot = x->slot[i];
	float s = x->e->s[i], sd = sqrtf(1 + x->e->v[i]), best = normal_tail(-s / sd), p = best;

	if (slot < 0)
		return 50;
	for (uint32_t bit = 1; bit < 1u << 24; bit <<= 1) {
		int64_t here, there;
		float q;

		all.ids = x->ctx->ids | bit;
		if (all.ids == x->ctx->ids)
			continue;
		features_keys(&all, x->e->sites.floor, key);
		there = rows_find(&x->r->rows, sites_key(key[F_IDS], (unsigned)slot / LANES));
		if (there < 0)
			continue;
		here = rows_find(&x->r->rows, sites_key(x->e->sites.key[F_IDS], (unsigned)slot / LANES));
		q = s + word_load(&rows_lanes(&x->r->rows, there, ROW_BID)[slot % LANES]);
		if (here >= 0)
			q -= word_load(&rows_lanes(&x->r->rows, here, ROW_BID)[slot % LANES]);
		q = normal_tail(-q / sd);
		best = q > best ? q : best;
	}
	return 100 * p / best;
}

float explain_total(const struct explain_in *x, size_t i, float component[COMPONENTS])
{
	static const struct bidder_counts none;
	int slot = x->slot[i];
	const struct bidder_counts *b = slot >= 0 ? &x->r->counts[slot] : &none;
	unsigned f = x->ctx->format;
	float bids = word_load(&b->bids[f]), wins = word_load(&b->wins[f]), total = 0;
	float sd = 1 / x->inv_sd[i], price = expf(x->e->m[i] + 0.5f * sd * sd);
	float alive = slot >= 0 ? word_load(&x->r->alive[slot].p) : 1;
	float p = x->works[i] * normal_tail(-x->e->s[i] / sqrtf(1 + x->e->v[i]));

	component[COMPONENT_WIN_RATE] = fminf(100, bids > 0 ? 500 * wins / bids : 0);
	component[COMPONENT_BID_RATE] = fminf(100, 125 * p);
	component[COMPONENT_CPM] = score_cpm(price, x->ctx->floor_usd);
	component[COMPONENT_FLOOR_CLEARANCE] =
		x->ctx->floor_usd > 0
			? 100 * normal_tail((logf(x->ctx->floor_usd) - x->e->m[i]) * x->inv_sd[i])
			: 100;
	component[COMPONENT_LATENCY] = score_latency(b);
	component[COMPONENT_RECENCY] = clampf(
		50 * alive * (word_load(&b->recent_bids) + 1) / (word_load(&b->recent_expected) + 1), 0, 100);
	component[COMPONENT_ID_MATCH] = score_ids(x, i);
	for (unsigned k = 0; k < COMPONENTS; k++)
		total += weights[k] * component[k];
	return total;
}

/* Rows from the most to the least specific; a row speaks for a bidder once it halved its uncertainty. */
static const struct {
	enum level level;
	enum feature feature;
} ladder[] = {
	{ LEVEL_PUBLISHER_CONTEXT, F_LEAF },
	{ LEVEL_PUBLISHER_CONTEXT, F_PUBLISHER_DEVICE_FORMAT },
	{ LEVEL_PUBLISHER, F_PUBLISHER },
	{ LEVEL_COUNTRY, F_COUNTRY_DEVICE_FORMAT },
	{ LEVEL_COUNTRY, F_COUNTRY },
	{ LEVEL_FORMAT, F_DEVICE_FORMAT },
	{ LEVEL_GLOBAL, F_BIAS },
};

static void explain_level(const struct explain_in *x, size_t i, struct verdict *v)
{
	int slot = x->slot[i];

	v->level = LEVEL_PRIOR;
	v->samples = 0;
	for (size_t k = 0; slot >= 0 && k < sizeof ladder / sizeof *ladder; k++) {
		enum feature f = ladder[k].feature;
		int64_t at = rows_find(&x->r->rows, sites_key(x->e->sites.key[f], (unsigned)slot / LANES));
		float var;

		if (at < 0)
			continue;
		var = word_load(&rows_lanes(&x->r->rows, at, ROW_BID_VAR)[slot % LANES]);
		if (var > 0.75f * feature_bid_var[f])
			continue;
		v->level = (uint8_t)ladder[k].level;
		v->samples = (1 / var - 1 / feature_bid_var[f]) * (1 + x->e->v[i]) / 0.6f;
		return;
	}
}

void explain_verdict(const struct explain_in *x, size_t i, struct verdict *v)
{
	int slot = x->slot[i];
	float sd = 1 / x->inv_sd[i], excess;

	v->total = explain_total(x, i, v->component);
	v->alive = slot >= 0 ? word_load(&x->r->alive[slot].p) : 1;
	v->probability = v->alive * x->works[i] * normal_tail(-x->e->s[i] / sqrtf(1 + x->e->v[i]));
	v->price_usd = expf(x->e->m[i] + 0.5f * sd * sd);
	v->marginal_usd = x->gain_usd > 0 ? x->gain_usd : 0;
	v->value_score = 100 * v->marginal_usd / (v->marginal_usd + x->lambda + 1e-9f);
	excess = x->e->v[i] - features_bid_total * x->r->tune.bid_floor * x->r->tune.excess;
	v->confidence = 1 / (1 + (excess > 0 ? 9 * excess : 0));
	explain_level(x, i, v);
}
