#include "pbs/exchange/categories.h"

#include "common/err.h"
#include "common/json.h"

int categories_parse(const json_t *brand_category, struct categories *ret_c, struct errtext *why)
{
	enum { FREEWHEEL = 1, DFP = 2 };
	struct categories c = {
		.with_category = json_bool_at(brand_category, "withcategory", false),
		.publisher = json_str_at(brand_category, "publisher"),
	};
	int64_t server = json_int_at(brand_category, "primaryadserver", 0);

	c.translate = c.with_category && json_bool_at(brand_category, "translatecategories", true);
	if (c.translate) {
		if (server != FREEWHEEL && server != DFP) {
			errtext_set(why, "Primary ad server %lld not recognized", (long long)server);
			return ERR_INPUT;
		}
		c.ad_server = server == FREEWHEEL ? STR("freewheel") : STR("dfp");
	}
	*ret_c = c;
	return 0;
}

struct str categories_mapping_id(const struct categories *c, struct arena *a)
{
	if (!c->translate || c->publisher.n == 0)
		return c->ad_server;
	return str_of(arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(c->ad_server), STR_ARG(c->publisher)));
}

struct pass {
	const struct categories *c;
	const json_t *mapping;
	const struct targeting *t;
	struct rng *rng;
	struct nonbids *nb;
	struct messages *m;
	struct arena *arena;
	json_t *seen; /* category or key → index into kept */
	struct kept *kept;
	size_t n_kept;
};

struct kept {
	struct bid *bid;
	double bucket;
};

static void reject(struct pass *p, struct bid *b, enum nonbid code, const char *reason)
{
	messages_add(p->m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
		     "bid rejected [bid ID: " STR_FMT "] reason: %s", STR_ARG(b->id), reason);
	b->cat_dur = STR("");
	bid_drop(b, code);
	nonbid_add_bid(p->nb, b, code);
}

/* The category of the bid, empty after it was rejected for having none. */
static struct str find_category(struct pass *p, struct bid *b)
{
	const json_t *cats = json_object_get(b->ortb, "cat");
	struct str iab = json_str(json_array_get(cats, 0)), translated;

	if (b->video_category.n)
		return b->video_category;
	if (json_array_size(cats) != 1 || iab.n == 0) {
		reject(p, b, NONBID_CATEGORY, "Bid did not contain a category");
		return STR("");
	}
	if (!p->c->translate)
		return iab;
	translated = json_str_at(json_object_getn(p->mapping, iab.p, iab.n), "id");
	if (translated.n == 0)
		reject(p, b, NONBID_CATEGORY,
		       arena_printf(p->arena,
				    "Category mapping file for primary ad server: '" STR_FMT
				    "', publisher: '" STR_FMT "' not found",
				    STR_ARG(p->c->ad_server), STR_ARG(p->c->publisher)));
	return translated;
}

/* The smallest slot that is long enough; false when the ad is longer than any. */
static bool fit_duration(const json_t *slots, int64_t duration, int64_t *ret_duration)
{
	int64_t best = -1;
	size_t i;
	json_t *slot;

	if (json_array_size(slots) == 0) {
		*ret_duration = duration;
		return true;
	}
	json_array_foreach (slots, i, slot) {
		int64_t v = json_integer_value(slot);

		if (json_is_integer(slot) && v >= duration && (best < 0 || v < best))
			best = v;
	}
	if (best < 0)
		return false;
	*ret_duration = best;
	return true;
}

/* Whether `b` stays; of two equals a draw decides. The loser is rejected. */
static bool wins_over_twin(struct pass *p, struct kept *twin, struct bid *b, double bucket)
{
	bool newer_wins = bucket > twin->bucket;

	if (bucket == twin->bucket)
		newer_wins = rng_below(p->rng, 2) == 1;
	reject(p, newer_wins ? twin->bid : b, NONBID_DUPLICATE, "Bid was deduplicated");
	return newer_wins;
}

static void keep_best(struct pass *p, struct str key, struct bid *b, double bucket)
{
	const json_t *at = json_object_getn(p->seen, key.p, key.n);

	if (at) {
		struct kept *twin = &p->kept[json_integer_value(at)];

		if (wins_over_twin(p, twin, b, bucket))
			*twin = (struct kept){ b, bucket };
		return;
	}
	json_object_setn_new_nocheck(p->seen, key.p, key.n, json_integer((json_int_t)p->n_kept));
	p->kept[p->n_kept++] = (struct kept){ b, bucket };
}

static void apply_one(struct pass *p, struct bid *b)
{
	struct str category = STR(""), bucket, key;
	double price = 0;
	int64_t duration;

	if (p->c->with_category) {
		category = find_category(p, b);
		if (category.n == 0)
			return;
	}
	if (!fit_duration(p->t->durations, b->video_duration, &duration)) {
		reject(p, b, NONBID_REJECTED, "bid duration exceeds maximum allowed");
		return;
	}
	bucket = targeting_bucket(p->t, b, p->rng, p->arena);
	key = str_of(arena_printf(p->arena, STR_FMT "_" STR_FMT "%s%llds", STR_ARG(bucket), STR_ARG(category),
				  category.n ? "_" : "", (long long)duration));
	b->cat_dur = key;
	if (p->t->append_bidder_names)
		b->cat_dur =
			str_of(arena_printf(p->arena, STR_FMT "_" STR_FMT, STR_ARG(key), STR_ARG(b->seat)));
	(void)str_parse_double(bucket, &price); /* an empty bucket is worth nothing */
	keep_best(p, category.n ? category : key, b, price);
}

void categories_apply(const struct categories *c, const json_t *mapping, const struct targeting *t,
		      struct seats *seats, struct rng *rng, struct nonbids *nb, struct messages *m,
		      struct arena *a)
{
	struct pass p = { c, mapping, t, rng, nb, m, a, json_object(), NULL, 0 };
	size_t n = 0;

	for (size_t s = 0; s < seats->n; s++)
		n += seats->seats[s]->n_bids;
	p.kept = ARENA_ARRAY(a, struct kept, n + 1);
	for (size_t s = 0; s < seats->n; s++)
		for (size_t i = 0; i < seats->seats[s]->n_bids; i++)
			apply_one(&p, seats->seats[s]->bids[i]);
	for (size_t s = 0; s < seats->n; s++)
		seat_sweep(seats->seats[s]);
	json_decref(p.seen);
}

static const json_t *deal_tier_of(const json_t *imp, const struct bid *b)
{
	const json_t *bidders = json_at(imp, "ext.prebid.bidder");
	const json_t *params = json_object_getn(bidders, b->seat.p, b->seat.n);

	if (!params)
		params = json_object_getn(bidders, b->bidder.p, b->bidder.n);
	return json_object_get(params, "dealTier");
}

/* "10.00_Sports_30s" becomes "tier5_Sports_30s". */
static struct str with_tier(struct str cat_dur, struct str prefix, int priority, struct arena *a)
{
	struct str rest = cat_dur;

	(void)str_cut(&rest, '_');
	return str_of(arena_printf(a, STR_FMT "%d_" STR_FMT, STR_ARG(prefix), priority, (int)rest.n,
				   rest.p ? rest.p : ""));
}

void deal_tiers_apply(const struct ranking *ranking, const struct multibid *mb, const json_t *imps,
		      struct messages *m, struct arena *a)
{
	for (size_t i = 0; i < ranking->n; i++) {
		struct bid *b = ranking->bids[i].bid;
		const struct multibid_entry *multi = multibid_find(mb, b->seat);
		unsigned top = multi && multi->prefix.n ? multi->max_bids : 1;
		const json_t *tier;
		int64_t min;

		if (b->deal_priority <= 0 || ranking->bids[i].rank > top)
			continue;
		tier = deal_tier_of(b->imp >= 0 ? json_array_get(imps, (size_t)b->imp) : NULL, b);
		min = json_int_at(tier, "minDealTier", 0);
		if (json_str_at(tier, "prefix").n == 0 || min <= 0) {
			messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
				     "dealTier configuration invalid for bidder '" STR_FMT
				     "', imp ID '" STR_FMT "'",
				     STR_ARG(b->seat), STR_ARG(b->impid));
			continue;
		}
		if (b->deal_priority < min)
			continue;
		b->deal_tier_satisfied = true;
		if (b->cat_dur.n)
			b->cat_dur = with_tier(b->cat_dur, json_str_at(tier, "prefix"), b->deal_priority, a);
	}
}
