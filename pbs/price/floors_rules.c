#include "pbs/price/floors_rules.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

static const char *const field_names[] = {
	[FLOOR_MEDIA_TYPE] = "mediaType",    [FLOOR_SIZE] = "size",
	[FLOOR_DOMAIN] = "domain",           [FLOOR_SITE_DOMAIN] = "siteDomain",
	[FLOOR_PUB_DOMAIN] = "pubDomain",    [FLOOR_BUNDLE] = "bundle",
	[FLOOR_CHANNEL] = "channel",         [FLOOR_GPT_SLOT] = "gptSlot",
	[FLOOR_AD_UNIT_CODE] = "adUnitCode", [FLOOR_COUNTRY] = "country",
	[FLOOR_DEVICE_TYPE] = "deviceType",
};
_Static_assert(ARRAY_LEN(field_names) == FLOOR_FIELDS, "one name per field");

static const struct str ANY = { "*", 1 };

double floors_round(double v)
{
	return round(v * 10000) / 10000;
}

json_t *floors_get(const json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	const char *name;
	json_t *other;

	if (v)
		return v;
	json_object_foreach ((json_t *)(uintptr_t)obj, name, other)
		if (strcasecmp(name, key) == 0)
			return other;
	return NULL;
}

static bool parse_field(struct str name, enum floor_field *ret_field)
{
	int i = str_index(name, field_names, FLOOR_FIELDS);

	if (i >= 0)
		*ret_field = (enum floor_field)i;
	return i >= 0;
}

static const json_t *group_fields(const json_t *group)
{
	return floors_get(floors_get(group, "schema"), "fields");
}

/* "[a b]" */
static void print_fields(struct buf *b, const json_t *fields)
{
	size_t i;
	json_t *f;

	buf_add_c(b, '[');
	json_array_foreach (fields, i, f) {
		if (i)
			buf_add_c(b, ' ');
		buf_add_str(b, json_str(f));
	}
	buf_add_c(b, ']');
}

static int check_fields(const json_t *fields, struct errtext *why)
{
	size_t i;
	json_t *f;

	json_array_foreach (fields, i, f) {
		enum floor_field parsed;
		struct buf b;

		if (parse_field(json_str(f), &parsed))
			continue;
		buf_init(&b, 512);
		print_fields(&b, fields);
		errtext_set(why,
			    "Invalid schema dimension provided = '" STR_FMT "' in Schema Fields = '" STR_FMT
			    "'",
			    STR_ARG(json_str(f)), STR_ARG(buf_str(&b)));
		buf_deinit(&b);
		return ERR_INPUT;
	}
	return 0;
}

static int refuse_group(const json_t *group, const char *what, double v, const char *then,
			struct errtext *why)
{
	struct buf b;

	buf_init(&b, 64);
	json_write_real(&b, v);
	errtext_set(why, "Invalid Floor Model = '" STR_FMT "' due to %s = '" STR_FMT "' %s",
		    STR_ARG(json_str(floors_get(group, "modelversion"))), what, STR_ARG(buf_str(&b)), then);
	buf_deinit(&b);
	return ERR_INPUT;
}

static int refuse_size(const json_t *group, const char *what, size_t n, size_t limit, struct errtext *why)
{
	errtext_set(why,
		    "Invalid Floor Model = '" STR_FMT
		    "' due to number of %s = '%zu' are greater than limit %zu",
		    STR_ARG(json_str(floors_get(group, "modelversion"))), what, n, limit);
	return ERR_INPUT;
}

int floors_check_group(const json_t *group, const struct floors_limits *limits, struct errtext *why)
{
	const json_t *fields = group_fields(group), *weight = floors_get(group, "modelweight");
	size_t n_fields = json_array_size(fields), n_rules = json_object_size(floors_get(group, "values"));
	size_t max_dims = limits->max_dims ? limits->max_dims : FLOORS_FIELDS_MAX;
	double skip = json_number_value(floors_get(group, "skiprate"));
	double fallback = json_number_value(floors_get(group, "default"));

	if (max_dims > FLOORS_FIELDS_MAX)
		max_dims = FLOORS_FIELDS_MAX;
	if (check_fields(fields, why) < 0)
		return ERR_INPUT;
	if (n_fields > max_dims)
		return refuse_size(group, "schema fields", n_fields, max_dims, why);
	if (limits->max_rules && n_rules > limits->max_rules)
		return refuse_size(group, "rules", n_rules, limits->max_rules, why);
	if (skip < 0 || skip > 100)
		return refuse_group(group, "SkipRate", skip, "is out of range (1-100)", why);
	if (json_is_number(weight) && (json_number_value(weight) < 1 || json_number_value(weight) > 100))
		return refuse_group(group, "ModelWeight", json_number_value(weight),
				    "is out of range (1-100)", why);
	if (fallback < 0)
		return refuse_group(group, "Default", fallback, "is less than 0", why);
	return 0;
}

static struct str cut_part(struct str *rest, struct str delimiter)
{
	const char *at = rest->n ? memmem(rest->p, rest->n, delimiter.p, delimiter.n) : NULL;
	struct str part = *rest;

	if (!at) {
		*rest = (struct str){ NULL, 0 };
		return part;
	}
	part.n = (size_t)(at - rest->p);
	rest->p = at + delimiter.n;
	rest->n -= part.n + delimiter.n;
	return part;
}

/* The wildcard pattern of a key; false when it has not one part per field. */
static bool parse_mask(const struct floor_group *g, struct str key, uint32_t *ret_mask)
{
	uint32_t mask = 0;
	size_t n = 0;

	for (struct str rest = key; rest.p; n++) {
		struct str part = cut_part(&rest, g->delimiter);

		if (n >= g->n_fields)
			return false;
		mask = mask << 1 | (uint32_t)str_eq(part, ANY);
	}
	*ret_mask = mask;
	return n == g->n_fields;
}

static int compare_rule(const void *a, const void *b)
{
	return str_cmp(((const struct floor_rule *)a)->key, ((const struct floor_rule *)b)->key);
}

/* With the leftmost field as the highest bit, "wildcards further right first" is ascending order. */
static int compare_mask(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int by_count = __builtin_popcount(x) - __builtin_popcount(y);

	return by_count ? by_count : (x > y) - (x < y);
}

static size_t unique_masks(uint32_t *masks, size_t n)
{
	size_t kept = 0;

	qsort(masks, n, sizeof *masks, compare_mask);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || masks[kept - 1] != masks[i])
			masks[kept++] = masks[i];
	return kept;
}

static void index_rules(struct floor_group *g, const json_t *values, struct arena *a)
{
	size_t n = json_object_size(values);
	struct str *bad = ARENA_ARRAY(a, struct str, n + 1);
	uint32_t *masks = ARENA_ARRAY(a, uint32_t, n + 1);
	const char *key;
	json_t *v;

	g->rules = ARENA_ARRAY(a, struct floor_rule, n + 1);
	json_object_foreach ((json_t *)(uintptr_t)values, key, v) {
		if (parse_mask(g, str_of(key), &masks[g->n_rules]) && json_is_number(v))
			g->rules[g->n_rules++] =
				(struct floor_rule){ arena_lower(a, str_of(key)), json_number_value(v) };
		else
			bad[g->n_bad_keys++] = str_of(key);
	}
	g->bad_keys = bad;
	g->n_masks = unique_masks(masks, g->n_rules);
	g->masks = masks;
	qsort(g->rules, g->n_rules, sizeof g->rules[0], compare_rule);
}

struct floor_group *floors_index_group(const json_t *group, struct arena *a)
{
	struct floor_group *g = ARENA_NEW(a, struct floor_group);
	const json_t *fields = group_fields(group);
	size_t i;
	json_t *f;

	g->json = group;
	g->delimiter = json_str(floors_get(floors_get(group, "schema"), "delimiter"));
	if (g->delimiter.n == 0)
		g->delimiter = STR("|");
	g->fallback = json_number_value(floors_get(group, "default"));
	json_array_foreach (fields, i, f)
		if (g->n_fields < FLOORS_FIELDS_MAX && parse_field(json_str(f), &g->fields[g->n_fields]))
			g->n_fields++;
	index_rules(g, floors_get(group, "values"), a);
	return g;
}

const char *floors_bad_key_text(const struct floor_group *g, struct str key, struct arena *a)
{
	struct buf b;
	char *text;

	buf_init(&b, 512);
	print_fields(&b, group_fields(g->json));
	text = arena_printf(a, "Invalid Floor Rule = '" STR_FMT "' for Schema Fields = '" STR_FMT "'",
			    STR_ARG(key), STR_ARG(buf_str(&b)));
	buf_deinit(&b);
	return text;
}

static void set(struct floor_facts *facts, enum floor_field field, struct str value, struct arena *a)
{
	facts->values[field] = value.n ? arena_lower(a, value) : ANY;
}

static bool ua_has(const char *ua, const char *word)
{
	return strcasestr(ua, word) != NULL;
}

static struct str device_type(const json_t *ua_member)
{
	const char *ua = json_string_value(ua_member);

	if (!ua || !*ua)
		return ANY;
	if (ua_has(ua, "phone") || (ua_has(ua, "android") && ua_has(ua, "mobile")))
		return STR("phone");
	if (ua_has(ua, "tablet") || ua_has(ua, "ipad") || ua_has(ua, "android") ||
	    (ua_has(ua, "windows nt") && ua_has(ua, "touch")))
		return STR("tablet");
	return STR("desktop");
}

void floors_request_facts(const json_t *request, struct arena *a, struct floor_facts *ret_facts)
{
	const json_t *site = json_object_get(request, "site"), *app = json_object_get(request, "app");
	const json_t *place = site ? site : app, *geo = json_at(request, "device.geo");
	struct str domain = json_str_at(place, "domain"), pub = json_str_at(place, "publisher.domain");

	set(ret_facts, FLOOR_DOMAIN, domain.n ? domain : pub, a);
	set(ret_facts, FLOOR_SITE_DOMAIN, domain, a);
	set(ret_facts, FLOOR_PUB_DOMAIN, pub, a);
	set(ret_facts, FLOOR_BUNDLE, json_str_at(app, "bundle"), a);
	set(ret_facts, FLOOR_CHANNEL, json_str_at(request, "ext.prebid.channel.name"), a);
	ret_facts->values[FLOOR_DEVICE_TYPE] = device_type(json_at(request, "device.ua"));
	/* A geo object without a country says "nowhere", which no wildcard-free rule names. */
	ret_facts->values[FLOOR_COUNTRY] =
		json_is_object(geo) ? arena_lower(a, json_str_at(geo, "country")) : ANY;
}

static struct str media_type(const json_t *imp)
{
	enum { IN_STREAM = 1 }; /* OpenRTB 2.5, placement */
	struct str type = ANY;
	int n = 0;

	if (json_object_get(imp, "banner") && ++n)
		type = STR("banner");
	if (json_object_get(imp, "video") && ++n)
		type = json_int_at(imp, "video.placement", 0) == IN_STREAM ? STR("video")
									   : STR("video-outstream");
	if (json_object_get(imp, "audio") && ++n)
		type = STR("audio");
	if (json_object_get(imp, "native") && ++n)
		type = STR("native");
	return n == 1 ? type : ANY;
}

static struct str size(const json_t *imp, struct arena *a)
{
	const json_t *sized = json_object_get(imp, "banner"), *formats = json_object_get(sized, "format");
	int64_t w, h;

	if (!sized)
		sized = json_object_get(imp, "video");
	else if (json_array_size(formats) > 1)
		return ANY;
	else if (json_array_size(formats) == 1)
		sized = json_array_get(formats, 0);
	w = json_int_at(sized, "w", 0);
	h = json_int_at(sized, "h", 0);
	return w && h ? str_of(arena_printf(a, "%lldx%lld", (long long)w, (long long)h)) : ANY;
}

static struct str first_of(const json_t *imp, const char *const *paths)
{
	for (; *paths; paths++) {
		struct str s = json_str_at(imp, *paths);

		if (s.n)
			return s;
	}
	return STR("");
}

void floors_imp_facts(const json_t *imp, struct arena *a, struct floor_facts *facts)
{
	static const char *const unit_paths[] = { "ext.gpid", "tagid", "ext.data.pbadslot",
						  "ext.prebid.storedrequest.id", NULL };
	bool is_gam = str_eq(json_str_at(imp, "ext.data.adserver.name"), STR("gam"));

	facts->values[FLOOR_MEDIA_TYPE] = media_type(imp);
	facts->values[FLOOR_SIZE] = size(imp, a);
	set(facts, FLOOR_GPT_SLOT,
	    json_str_at(imp, is_gam ? "ext.data.adserver.adslot" : "ext.data.pbadslot"), a);
	set(facts, FLOOR_AD_UNIT_CODE, first_of(imp, unit_paths), a);
}

static const struct floor_rule *find(const struct floor_group *g, struct str key)
{
	const struct floor_rule wanted = { .key = key };

	return bsearch(&wanted, g->rules, g->n_rules, sizeof wanted, compare_rule);
}

/* A value that is unknown is written "*" itself, so only rules with a wildcard there can match. */
static uint32_t unknown_mask(const struct floor_group *g, const struct floor_facts *facts)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < g->n_fields; i++)
		mask = mask << 1 | (uint32_t)str_eq(facts->values[g->fields[i]], ANY);
	return mask;
}

static struct str join(const struct floor_group *g, const struct floor_facts *facts, uint32_t mask, char *out)
{
	char *p = out;

	for (size_t i = 0; i < g->n_fields; i++) {
		bool is_any = mask >> (g->n_fields - 1 - i) & 1;
		struct str part = is_any ? ANY : facts->values[g->fields[i]];

		if (i)
			p = mempcpy(p, g->delimiter.p, g->delimiter.n);
		p = mempcpy(p, part.p, part.n);
	}
	return (struct str){ out, (size_t)(p - out) };
}

const struct floor_rule *floors_match(const struct floor_group *g, const struct floor_facts *facts,
				      struct arena *a)
{
	uint32_t unknown = unknown_mask(g, facts);
	size_t room = g->n_fields * (g->delimiter.n + 1) + 1;
	char *key;

	for (size_t i = 0; i < g->n_fields; i++)
		room += facts->values[g->fields[i]].n;
	key = arena_alloc(a, room);
	for (size_t i = 0; i < g->n_masks; i++) {
		const struct floor_rule *rule;

		if ((g->masks[i] & unknown) != unknown)
			continue;
		rule = find(g, join(g, facts, g->masks[i], key));
		if (rule)
			return rule;
	}
	return NULL;
}
