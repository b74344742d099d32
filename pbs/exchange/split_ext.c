#include "pbs/exchange/split_ext.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"

/* Members of ext.prebid that every bidder gets as they are. */
static const char *const passed[] = { "channel", "currency", "debug", "integration", "sdk", "server" };

static void set_server(json_t *common, const struct split_rules *rules)
{
	json_t *server;

	if (!rules->external_url.n && !rules->datacenter.n && !rules->host_vendor_id)
		return;
	server = json_object();
	json_set_str(server, "externalurl", rules->external_url);
	json_set_int(server, "gvlid", rules->host_vendor_id);
	json_set_str(server, "datacenter", rules->datacenter);
	json_object_set_new_nocheck(common, "server", server);
}

static json_t *join(json_t *ext, json_t *prebid)
{
	json_t *joined;

	if (json_object_size(prebid) == 0)
		return json_object_size(ext) ? json_incref(ext) : NULL;
	joined = json_copy(ext);
	json_object_set_nocheck(joined, "prebid", prebid);
	return joined;
}

void split_ext_init(struct split_ext *se, const json_t *req, const struct split_rules *rules)
{
	json_t *ext = json_object_get(req, "ext"), *category;

	*se = (struct split_ext){ .prebid = json_object_get(ext, "prebid"), .rules = rules };
	se->ext = json_is_object(ext) ? json_copy(ext) : json_object();
	json_object_del(se->ext, "prebid");
	se->common = json_object();
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		json_t *v = json_object_get(se->prebid, passed[i]);

		if (v)
			json_object_set_nocheck(se->common, passed[i], v);
	}
	category = json_at(se->prebid, "targeting.includebrandcategory");
	if (category)
		json_object_set_nocheck(json_own_object(se->common, "targeting"), "includebrandcategory",
					category);
	set_server(se->common, rules);
	se->shared = join(se->ext, se->common);
}

void split_ext_deinit(struct split_ext *se)
{
	json_decref(se->ext);
	json_decref(se->common);
	json_decref(se->shared);
}

static json_t *get_nocase(json_t *obj, struct str name)
{
	json_t *v = json_object_getn(obj, name.p, name.n);
	const char *key;
	size_t len;

	if (v)
		return v;
	json_object_keylen_foreach(obj, key, len, v)
	{
		if (str_eq_nocase((struct str){ key, len }, name))
			return v;
	}
	return NULL;
}

static void set_for(json_t **own, const struct split_ext *se, const char *key, json_t *taken)
{
	if (!*own)
		*own = json_copy(se->common);
	json_object_set_new_nocheck(*own, key, taken);
}

static json_t *single(struct str key, json_t *v)
{
	json_t *obj = json_object();

	json_object_setn_nocheck(obj, key.p, key.n, v);
	return obj;
}

/* The codes that may stand in for this bidder; the request's rules, else the account's. */
static json_t *alternate_codes(const struct split_ext *se, struct str bidder)
{
	const json_t *given = json_object_get(se->prebid, "alternatebiddercodes");
	json_t *entry, *own;

	if (!given)
		given = se->rules->account_alternate_codes;
	if (!given)
		return NULL;
	own = json_object();
	json_set_bool(own, "enabled", json_bool_at(given, "enabled", false));
	entry = get_nocase(json_object_get(given, "bidders"), bidder);
	json_object_set_new_nocheck(own, "bidders", entry ? single(bidder, entry) : json_null());
	return own;
}

/* In lower case; valid until the buffer is used again. */
static struct str lower(struct buf *b, struct str s)
{
	buf_clear(b);
	for (size_t i = 0; i < s.n; i++)
		buf_add_c(b, str_lower_char(s.p[i]));
	return buf_str(b);
}

/* The names under which the bidder answers: both lists are the client's, so one of them is hashed. */
struct codes {
	json_t *set; /* in lower case; "*" is any */
	struct buf text;
};

static void codes_add(struct codes *c, struct str name)
{
	struct str key = lower(&c->text, name);

	json_object_setn_new_nocheck(c->set, key.p, key.n, json_true());
}

static void codes_init(struct codes *c, const json_t *rules, struct str bidder)
{
	const json_t *own = json_object_getn(json_object_get(rules, "bidders"), bidder.p, bidder.n);
	const json_t *allowed = json_object_get(own, "allowedbiddercodes");

	c->set = json_object();
	buf_init(&c->text, 1 << 20);
	codes_add(c, bidder);
	for (size_t i = 0; i < json_array_size(allowed); i++)
		codes_add(c, json_str(json_array_get(allowed, i)));
}

static void codes_deinit(struct codes *c)
{
	json_decref(c->set);
	buf_deinit(&c->text);
}

static bool codes_have(struct codes *c, struct str name)
{
	struct str key = lower(&c->text, name);

	return json_object_getn(c->set, key.p, key.n) || json_object_get(c->set, "*");
}

static void add_group(json_t *own, const json_t *entry, struct codes *codes)
{
	json_t *names = json_object_get(entry, "bidders");

	for (size_t i = 0; i < json_array_size(names); i++) {
		json_t *one;

		if (!codes_have(codes, json_str(json_array_get(names, i))))
			continue;
		one = json_object();
		json_object_set_new_nocheck(one, "bidders", json_pack("[O]", json_array_get(names, i)));
		json_object_set_nocheck(one, "maxbids", json_object_get(entry, "maxbids"));
		json_array_append_new(own, one);
	}
}

static json_t *multibid(const struct split_ext *se, struct str bidder, const json_t *rules)
{
	const json_t *list = json_object_get(se->prebid, "multibid");
	json_t *own = json_array();
	struct codes codes;

	codes_init(&codes, rules, bidder);
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_array_get(list, i);
		struct str name = json_str_at(entry, "bidder");

		if (name.n == 0)
			add_group(own, entry, &codes);
		else if (codes_have(&codes, name))
			json_array_append(own, entry);
	}
	codes_deinit(&codes);
	return own;
}

json_t *split_ext_for(const struct split_ext *se, const struct split_bidder *bidder)
{
	struct str name = bidder->name;
	json_t *own = NULL, *v, *ext, *codes = alternate_codes(se, name);

	v = json_object_getn(json_object_get(se->prebid, "aliases"), name.p, name.n);
	if (v)
		set_for(&own, se, "aliases", single(name, v));
	v = json_object_getn(json_object_get(se->prebid, "bidderparams"), name.p, name.n);
	if (v)
		set_for(&own, se, "bidderparams", json_incref(v));
	if (json_object_get(se->prebid, "multibid")) {
		v = multibid(se, name, codes);
		if (json_array_size(v))
			set_for(&own, se, "multibid", v);
		else
			json_decref(v);
	}
	if (codes)
		set_for(&own, se, "alternatebiddercodes", codes);
	if (!own)
		return json_incref(se->shared);
	ext = join(se->ext, own);
	json_decref(own);
	return ext;
}
