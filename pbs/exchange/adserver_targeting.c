#include "pbs/exchange/adserver_targeting.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/exchange/targeting.h"

enum { MAX_ENTRIES = 100 }; /* every bid gets every key */

enum source { FROM_STATIC, FROM_REQUEST, FROM_RESPONSE };

struct adserver_entry {
	struct str key;
	enum source source;
	struct str value;         /* literal, found in the request, or the path into the response */
	const struct str *by_imp; /* instead of value: one per imp */
	size_t n_imps;
};

static const struct str BIDDER_MACRO = { "{{BIDDER}}", 10 };

static void warn(struct messages *m, const char *text)
{
	messages_add(m, MESSAGE_WARNING, BUCKET_GENERAL, WARN_ADSERVER_TARGETING, "%s", text);
}

static bool parse_source(struct str name, enum source *ret_source)
{
	static const char *const names[] = { "static", "bidrequest", "bidresponse" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq_nocase(str_trim(name), str_of(names[i]))) {
			*ret_source = (enum source)i;
			return true;
		}
	}
	return false;
}

/* The text of a string or number. Otherwise why there is none, as a format for the path. */
static const char *value_text(const json_t *v, struct arena *a, struct str *ret_text)
{
	struct buf b;

	if (!v)
		return "value not found for path: %s";
	if (json_is_string(v)) {
		*ret_text = json_str(v);
		return NULL;
	}
	if (!json_is_number(v))
		return "incorrect value type for path: %s, value can only be string or number";
	buf_init(&b, 64);
	json_write(&b, v);
	*ret_text = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return NULL;
}

/* "%s" stands for the path in both texts above. */
static const char *explain(const char *fault, struct str path, struct arena *a)
{
	const char *at = strstr(fault, "%s");

	return arena_printf(a, "%.*s" STR_FMT "%s", (int)(at - fault), fault, STR_ARG(path), at + 2);
}

static bool cut_prefix(struct str *path, struct str prefix)
{
	if (!str_starts(*path, prefix))
		return false;
	path->p += prefix.n;
	path->n -= prefix.n;
	return true;
}

/* json_at() wants NUL-terminated paths; ours are json strings or their tails, which are. */
static const json_t *at(const json_t *j, struct str path)
{
	return json_at(j, path.p);
}

static const char *find_in_imps(struct adserver_entry *e, const json_t *imps, struct str path,
				struct arena *a)
{
	size_t n = json_array_size(imps);
	struct str *values = ARENA_ARRAY(a, struct str, n + 1);

	if (n == 0)
		return "value not found for path: %s";
	for (size_t i = 0; i < n; i++) {
		const char *fault = value_text(at(json_array_get(imps, i), path), a, &values[i]);

		if (fault)
			return fault;
	}
	e->by_imp = values;
	e->n_imps = n;
	return NULL;
}

static const char *find_in_request(struct adserver_entry *e, const json_t *request, const json_t *query,
				   struct arena *a)
{
	struct str path = e->value;

	if (cut_prefix(&path, STR("ext.prebid.amp.data."))) {
		struct str value = json_str(json_object_getn(query, path.p, path.n));

		if (value.n) {
			e->value = value;
			return NULL;
		}
		path = e->value;
	}
	if (cut_prefix(&path, STR("imp.")))
		return find_in_imps(e, json_object_get(request, "imp"), path, a);
	return value_text(at(request, path), a, &e->value);
}

/* False when the object cannot be used at all. */
static bool check(const json_t *j, size_t i, struct adserver_entry *ret_e, struct arena *a,
		  struct messages *m)
{
	struct adserver_entry e = { .key = json_str_at(j, "key"), .value = json_str_at(j, "value") };
	bool known = parse_source(json_str_at(j, "source"), &e.source);

	if (e.key.n == 0)
		warn(m, arena_printf(a, "Key is empty for the ad server targeting object at index %zu", i));
	if (e.value.n == 0)
		warn(m, arena_printf(a, "Value is empty for the ad server targeting object at index %zu", i));
	if (!known)
		warn(m,
		     arena_printf(a, "Incorrect source for the ad server targeting object at index %zu", i));
	*ret_e = e;
	return known && e.key.n && e.value.n;
}

void adserver_targeting_parse(const json_t *list, const json_t *request, const json_t *query, struct arena *a,
			      struct messages *m, struct adserver_targeting *ret_at)
{
	size_t given = json_array_size(list), used = given < MAX_ENTRIES ? given : MAX_ENTRIES;
	struct adserver_entry *entries;
	size_t n = 0, kept = 0, i;

	*ret_at = (struct adserver_targeting){ 0 };
	if (given == 0)
		return;
	if (used < given)
		warn(m, arena_printf(a, "ext.prebid.adservertargeting has %zu objects, the first %d are used",
				     given, MAX_ENTRIES));
	entries = ARENA_ARRAY(a, struct adserver_entry, used);
	for (i = 0; i < used; i++)
		n += check(json_array_get(list, i), i, &entries[n], a, m);
	for (i = 0; i < n; i++) {
		struct adserver_entry e = entries[i];
		const char *fault = e.source == FROM_REQUEST ? find_in_request(&e, request, query, a) : NULL;

		if (fault)
			warn(m, explain(fault, entries[i].value, a));
		else
			entries[kept++] = e;
	}
	*ret_at = (struct adserver_targeting){ entries, kept };
}

static struct str resolve_key(const struct adserver_entry *e, struct str seat, struct arena *a)
{
	struct str rest = e->key, key;
	struct buf b;
	const char *macro;

	if (e->source != FROM_RESPONSE || !str_contains(e->key, BIDDER_MACRO))
		return e->key;
	buf_init(&b, 4096);
	while ((macro = memmem(rest.p, rest.n, BIDDER_MACRO.p, BIDDER_MACRO.n)) != NULL) {
		buf_add(&b, rest.p, (size_t)(macro - rest.p));
		buf_add_str(&b, seat);
		rest.n -= (size_t)(macro - rest.p) + BIDDER_MACRO.n;
		rest.p = macro + BIDDER_MACRO.n;
	}
	buf_add_str(&b, rest);
	key = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return key;
}

/* Members of the response itself; bidid and customdata are never set by this server. */
static bool find_in_response(const struct adserver_bid *b, struct str path, struct str *ret_value)
{
	static const char *const empty[] = { "bidid", "customdata", "nbr" };

	if (str_eq(path, STR("id")) || str_eq(path, STR("cur"))) {
		*ret_value = path.p[0] == 'i' ? b->response_id : b->cur;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		if (str_eq(path, str_of(empty[i]))) {
			*ret_value = STR("");
			return true;
		}
	}
	return false;
}

/* NULL when found, else the complaint without its tail. */
static const char *find_for_bid(const struct adserver_bid *b, struct str full, struct arena *a,
				struct str *ret_value)
{
	struct str path = full;
	const char *fault = "value not found for path: %s";

	if (cut_prefix(&path, STR("seatbid.bid.")))
		fault = value_text(at(b->bid, path), a, ret_value);
	else if (!str_starts(full, STR("seatbid.")) && !str_starts(full, STR("ext.")))
		fault = find_in_response(b, full, ret_value) ? NULL
							     : "key not found for field in bid response: %s";
	return fault ? explain(fault, full, a) : NULL;
}

void adserver_targeting_apply(const struct adserver_targeting *t, const struct adserver_bid *b,
			      json_t *targets, size_t key_max, struct arena *a, struct messages *m)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct adserver_entry *e = &t->entries[i];
		struct str value = e->value;

		if (e->by_imp) {
			if (b->imp < 0 || (size_t)b->imp >= e->n_imps)
				continue;
			value = e->by_imp[b->imp];
		} else if (e->source == FROM_RESPONSE) {
			const char *fault = find_for_bid(b, e->value, a, &value);

			if (fault) {
				warn(m, arena_printf(a, "%s for bidder: " STR_FMT ", bid id: " STR_FMT, fault,
						     STR_ARG(b->seat), STR_ARG(b->bid_id)));
				continue;
			}
		}
		targeting_put(targets, resolve_key(e, b->seat, a), key_max, value);
	}
}
