#include "pbs/exchange/targeting.h"

#include "common/decimal.h"
#include "common/err.h"
#include "common/json.h"

static int parse_granularities(const json_t *j, struct arena *a, struct targeting *t, struct errtext *why)
{
	static const struct {
		const char *key;
		enum bid_type type;
	} types[] = { { "banner", BID_BANNER }, { "video", BID_VIDEO }, { "native", BID_NATIVE } };
	const json_t *by_type = json_object_get(j, "mediatypepricegranularity");

	if (granularity_parse(json_object_get(j, "pricegranularity"), a, &t->granularity, why) < 0)
		return ERR_INPUT;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const json_t *g = json_object_get(by_type, types[i].key);

		if (!g || json_is_null(g))
			continue;
		if (granularity_parse(g, a, &t->by_type[types[i].type], why) < 0)
			return ERR_INPUT;
		t->has_type[types[i].type] = true;
	}
	return 0;
}

int targeting_parse(const json_t *j, struct arena *a, struct targeting *ret_t, struct errtext *why)
{
	struct targeting t = {
		.include_winners = json_bool_at(j, "includewinners", true),
		.include_bidder_keys = json_bool_at(j, "includebidderkeys", true),
		.include_format = json_bool_at(j, "includeformat", false),
		.prefer_deals = json_bool_at(j, "preferdeals", false),
		.always_include_deals = json_bool_at(j, "alwaysincludedeals", false),
		.append_bidder_names = json_bool_at(j, "appendbiddernames", false),
		.prefix = STR("hb"),
		.key_max = TARGETING_KEY_MAX,
		.durations = json_object_get(j, "durationrangesec"),
	};
	const json_t *brand = json_object_get(j, "includebrandcategory");

	if (json_is_object(brand))
		t.brand_category = brand;
	if (parse_granularities(j, a, &t, why) < 0)
		return ERR_INPUT;
	*ret_t = t;
	return 0;
}

size_t targeting_key_max(int64_t truncate_attr)
{
	return truncate_attr > 0 ? (size_t)truncate_attr : TARGETING_KEY_MAX;
}

/* Twelve bytes are what the longest suffix that must survive needs behind the prefix. */
void targeting_use_account(struct targeting *t, const json_t *j, const struct targeting_account *account,
			   struct messages *m)
{
	struct str prefix = json_str_at(j, "prefix");

	t->rounding = account->rounding;
	t->exact_buckets = account->exact_buckets;
	t->key_max = targeting_key_max(account->truncate_attr);
	if (prefix.n == 0)
		prefix = account->prefix.n ? account->prefix : STR("hb");
	if (t->key_max < TARGETING_KEY_MIN) {
		messages_add(m, MESSAGE_WARNING, BUCKET_GENERAL, WARN_LIMIT_TOO_SHORT,
			     "targeting prefix is shorter than 'MinKeyLength' value: increase prefix length");
		prefix = STR("hb");
	} else if (prefix.n > t->key_max - TARGETING_KEY_MIN) {
		messages_add(
			m, MESSAGE_WARNING, BUCKET_GENERAL, WARN_PREFIX_TOO_LONG,
			"targeting prefix combined with key attribute is longer than "
			"'settings.targeting.truncate-attr-chars' value: decrease prefix length or increase "
			"truncate-attr-chars");
		prefix = STR("hb");
	}
	t->prefix = prefix;
}

bool targeting_makes_keys(const struct targeting *t)
{
	return t->include_winners || t->include_bidder_keys || t->include_format;
}

struct str targeting_bucket(const struct targeting *t, const struct bid *b, struct rng *rng, struct arena *a)
{
	const struct granularity *g = t->has_type[b->type] ? &t->by_type[b->type] : &t->granularity;

	return price_bucket(b->price, g, t->rounding, t->exact_buckets, rng, a);
}

/* A multi-byte character is dropped whole: the output must stay UTF-8. */
static size_t cut(struct str key, size_t max)
{
	size_t n = key.n < max ? key.n : max;

	while (n < key.n && n > 0 && ((unsigned char)key.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void set_cut(json_t *targets, struct str key, size_t key_max, json_t *value) /* takes it */
{
	json_object_setn_new_nocheck(targets, key.p, cut(key, key_max), value);
}

void targeting_put(json_t *targets, struct str key, size_t key_max, struct str value)
{
	set_cut(targets, key, key_max, json_new_str(value));
}

/* One bid's object while it is being filled. Keys are put together in one place, behind the prefix that all of
 * them share. */
struct keys {
	const struct targeting *t;
	json_t *targets;
	struct str code;
	bool per_bidder, as_winner;
	char key[512]; /* what does not fit would be cut anyway: no ad server takes longer keys */
	size_t n_prefix;
};

/* Appends what fits; returns the new end. */
static size_t append(struct keys *k, size_t at, struct str s)
{
	size_t n = s.n < sizeof k->key - at ? s.n : sizeof k->key - at;

	memcpy(k->key + at, s.p, n);
	return at + n;
}

static void put(struct keys *k, struct str suffix, struct str value)
{
	size_t n = append(k, k->n_prefix, suffix);
	json_t *shared = json_new_str(value);

	if (k->as_winner)
		set_cut(k->targets, (struct str){ k->key, n }, k->t->key_max, json_incref(shared));
	if (k->per_bidder) {
		n = append(k, append(k, n, STR("_")), k->code);
		set_cut(k->targets, (struct str){ k->key, n }, k->t->key_max, json_incref(shared));
	}
	json_decref(shared);
}

static void put_if(struct keys *k, struct str suffix, struct str value)
{
	if (value.n)
		put(k, suffix, value);
}

enum { SIZE_TEXT_MAX = 2 * DECIMAL_INT_MAX + 1 };

/* "300x250"; empty when either is 0. */
static struct str size_text(const struct bid *b, char out[static SIZE_TEXT_MAX])
{
	int64_t w = json_int_at(b->ortb, "w", 0), h = json_int_at(b->ortb, "h", 0);
	size_t n;

	if (!w || !h)
		return STR("");
	n = decimal_int(out, w);
	out[n++] = 'x';
	n += decimal_int(out + n, h);
	return (struct str){ out, n };
}

static void fill(struct keys *k, const struct bid *b, bool has_categories, struct str bucket)
{
	const struct targeting *t = k->t;
	char size[SIZE_TEXT_MAX];

	put(k, STR("_pb"), bucket);
	put(k, STR("_bidder"), k->code);
	put_if(k, STR("_size"), size_text(b, size));
	put_if(k, STR("_cache_id"), b->cache_bid_id);
	put_if(k, STR("_uuid"), b->cache_vast_id);
	if (t->include_format)
		put(k, STR("_format"), bid_type_name(b->type));
	put_if(k, STR("_cache_host"), t->cache_host);
	put_if(k, STR("_cache_path"), t->cache_path);
	put_if(k, STR("_deal"), b->dealid);
	put_if(k, STR("_env"), t->env);
	if (has_categories)
		put(k, STR("_pb_cat_dur"), b->cat_dur);
}

static bool any_category(const struct ranking *ranking)
{
	for (size_t i = 0; i < ranking->n; i++)
		if (ranking->bids[i].bid->cat_dur.n)
			return true;
	return false;
}

static void set_one(const struct targeting *t, const struct ranked *r, const struct multibid_entry *multi,
		    bool has_categories, struct rng *rng, struct arena *a)
{
	struct bid *b = r->bid;
	struct keys k;

	k.t = t;
	k.code = b->seat;
	k.as_winner = t->include_winners && b->winner;
	k.n_prefix = append(&k, 0, t->prefix);
	if (r->rank > 1)
		k.code = str_of(arena_printf(a, STR_FMT "%u", STR_ARG(multi->prefix), r->rank));
	if (multi && multi->max_bids > 1)
		b->target_code = k.code;
	k.per_bidder = t->include_bidder_keys || (t->always_include_deals && b->dealid.n);
	k.targets = arena_own_json(a, json_object());
	fill(&k, b, has_categories, targeting_bucket(t, b, rng, a));
	b->targeting = k.targets;
}

void targeting_set(const struct targeting *t, const struct ranking *ranking, const struct multibid *mb,
		   struct rng *rng, struct arena *a)
{
	bool has_categories = any_category(ranking);

	if (!targeting_makes_keys(t))
		return;
	for (size_t i = 0; i < ranking->n; i++) {
		const struct ranked *r = &ranking->bids[i];
		const struct multibid_entry *multi = multibid_find(mb, r->bid->seat);

		if (r->rank > 1 && (!multi || multi->prefix.n == 0 || r->rank > multi->max_bids))
			continue;
		set_one(t, r, multi, has_categories, rng, a);
	}
}
