/* Per bidder only the root object, the changed members and the imps' spines are new. An imp that all bidders
 * share costs each of them one shallow copy and an `ext` of its own; a tree copied whole would double the
 * price of an auction.
 */
#include "pbs/exchange/split.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/exchange/split_ext.h"
#include "pbs/openrtb/convert.h"
#include "pbs/openrtb/fpd.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/validate_imp.h"

struct splitter {
	const json_t *req;
	const struct split_rules *rules;
	struct arena *a;
	struct messages *m;
	struct fpd fpd;
	struct split_ext ext;
	json_t **imp_exts; /* each imp's ext as all bidders get it, before `bidder` is added */
	const json_t *imps;
	size_t n_imps;
	/* Looked up per bidder, so that long lists cost their length once. NULL: the request has none. */
	json_t *permissions;    /* source → {bidder in lower case: true}; "*" is everybody */
	json_t *buyeruids;      /* bidder in lower case → id */
	json_t *schains;        /* bidder or "*" → chain */
	json_t *everybody_user; /* without user.ext.prebid; NULL when there is no user */
};

size_t split_list(const json_t *req, const struct bidder_names *names, struct arena *a,
		  struct split_bidder **ret_bidders)
{
	const json_t *imps = json_object_get(req, "imp");
	json_t *seen = json_object(), *v, *bidders;
	struct split_bidder *list;
	const char *key;
	size_t len, n = 0;

	for (size_t i = 0; i < json_array_size(imps); i++) {
		bidders = json_at(json_array_get(imps, i), "ext.prebid.bidder");
		json_object_keylen_foreach(bidders, key, len, v)
		{
			json_object_setn_new_nocheck(seen, key, len, json_true());
		}
	}
	list = ARENA_ARRAY(a, struct split_bidder, json_object_size(seen) + 1);
	json_object_keylen_foreach(seen, key, len, v)
	{
		struct split_bidder b = { .name = { key, len } };

		if (n == SPLIT_MAX_BIDDERS)
			break;
		if (bidder_resolve(names, b.name, &b.core) != BIDDER_ACTIVE)
			continue;
		b.name = arena_str(a, b.name);
		list[n++] = b;
	}
	json_decref(seen);
	*ret_bidders = list;
	return n;
}

/* Everything beside `prebid`, and of `prebid` only the options. A new reference. */
static json_t *common_imp_ext(const json_t *imp)
{
	json_t *given = json_object_get(imp, "ext"), *options = json_at(given, "prebid.options"), *prebid;
	json_t *ext = json_is_object(given) ? json_copy(given) : json_object();

	json_object_del(ext, "prebid");
	if (options) {
		prebid = json_object();
		json_object_set_nocheck(prebid, "options", options);
		json_object_set_new_nocheck(ext, "prebid", prebid);
	}
	return ext;
}

/* Lays the publisher's data for this bidder over its imp and judges the result as any other imp. Takes and
 * gives a reference; NULL when the result cannot be used. */
static json_t *lay_imp_data(const struct splitter *s, json_t *imp, size_t index, const json_t *over)
{
	struct imp_rules ir = { .names = s->rules->names, .media_only = true };
	json_t *merged = fpd_overlay(imp, over), *typed;
	struct str id = json_str_at(imp, "id");
	struct errtext why = { "" };
	struct messages found;

	typed = json_is_object(over) ? ortb_decode(merged, ORTB_IMP, &why, NULL) : NULL;
	json_decref(merged);
	if (!typed) {
		(void)refuse_as(s->m, ERROR_IMP_FPD, "invalid first party data for imp[%zu]", index);
		json_decref(imp);
		return NULL;
	}
	merged = json_copy(typed);
	json_decref(typed);
	messages_init(&found, s->a);
	if (validate_imp(merged, index, &ir, &found) < 0) {
		const struct message *first = found.buckets ? found.buckets->first : NULL;

		(void)refuse_as(s->m, ERROR_IMP_FPD,
				"merging bidder imp first party data for imp " STR_FMT
				" results in an invalid imp: [" STR_FMT "]",
				STR_ARG(id), STR_ARG(first ? first->text : STR("")));
		json_decref(merged);
		merged = NULL;
	}
	json_decref(imp);
	return merged;
}

/* The i-th imp as `bidder` gets it, a new reference; NULL when it does not name the bidder. */
static json_t *imp_for(const struct splitter *s, size_t i, struct str bidder, int *ret_err)
{
	json_t *given = json_array_get(s->imps, i), *prebid = json_at(given, "ext.prebid"), *imp, *ext, *over;
	json_t *params = json_object_getn(json_object_get(prebid, "bidder"), bidder.p, bidder.n);

	if (!params)
		return NULL;
	if (!s->imp_exts[i])
		s->imp_exts[i] = arena_own_json(s->a, common_imp_ext(given));
	imp = json_copy(given);
	ext = json_copy(s->imp_exts[i]);
	json_object_set_nocheck(ext, "bidder", params);
	json_object_set_new_nocheck(imp, "ext", ext);
	over = json_object_getn(json_object_get(prebid, "imp"), bidder.p, bidder.n);
	if (over) {
		imp = lay_imp_data(s, imp, i, over);
		if (!imp)
			*ret_err = ERR_INPUT;
	}
	return imp;
}

static int set_imps(const struct splitter *s, struct bidder_request *br)
{
	json_t *imps = json_array();
	struct str *ids = NULL;
	int err = 0;

	for (size_t i = 0; i < s->n_imps && !err; i++) {
		json_t *imp = imp_for(s, i, br->bidder.name, &err);

		if (!imp)
			continue;
		if (!ids)
			ids = ARENA_ARRAY(s->a, struct str, s->n_imps - i);
		ids[br->n_imps++] = json_str_at(imp, "id");
		json_array_append_new(imps, imp);
	}
	br->imp_ids = ids;
	json_object_set_new_nocheck(br->request, "imp", imps);
	return err;
}

static json_t *get(const json_t *map, struct str key)
{
	return json_object_getn(map, key.p, key.n);
}

/* The chain that ext.prebid.schains has for the bidder, else the one for all; a new reference. */
static json_t *schain_for(const struct splitter *s, struct str bidder)
{
	json_t *chain = get(s->schains, bidder);

	return json_incref(chain ? chain : json_object_get(s->schains, "*"));
}

static json_t *with_host_node(json_t *chain, const json_t *node)
{
	json_t *longer = chain ? json_copy(chain) : json_object(), *nodes;

	if (!chain) {
		json_set_int(longer, "complete", 0);
		json_set_str(longer, "ver", STR("1.0"));
	}
	nodes = json_object_get(longer, "nodes");
	nodes = json_is_array(nodes) ? json_copy(nodes) : json_array();
	json_array_append(nodes, (json_t *)(uintptr_t)node);
	json_object_set_new_nocheck(longer, "nodes", nodes);
	json_decref(chain);
	return longer;
}

static void set_schain(const struct splitter *s, struct bidder_request *br)
{
	json_t *chain = schain_for(s, br->bidder.name);

	if (!chain && !s->rules->host_schain_node)
		return;
	if (!chain)
		chain = json_incref(json_at(s->req, "source.schain"));
	if (s->rules->host_schain_node)
		chain = with_host_node(chain, s->rules->host_schain_node);
	json_object_set_new_nocheck(json_own_object(br->request, "source"), "schain", chain);
}

static bool may_see(const struct splitter *s, struct str source, struct str lower_bidder)
{
	const json_t *allowed = get(s->permissions, source);

	return !allowed || json_object_get(allowed, "*") || get(allowed, lower_bidder);
}

/* The eids of the list that the bidder may see: a new reference, the same list when it is all of them. */
static json_t *visible_eids(const struct splitter *s, json_t *eids, struct str bidder)
{
	json_t *seen = json_array();

	bidder = arena_lower(s->a, bidder);
	for (size_t i = 0; i < json_array_size(eids); i++)
		if (may_see(s, json_str_at(json_array_get(eids, i), "source"), bidder))
			json_array_append(seen, json_array_get(eids, i));
	if (json_array_size(seen) < json_array_size(eids))
		return seen;
	json_decref(seen);
	return json_incref(eids);
}

/* Without the ids meant for other bidders; a new reference. */
static json_t *without_prebid(json_t *user)
{
	json_t *ext;

	if (!json_at(user, "ext.prebid"))
		return json_incref(user);
	user = json_copy(user);
	ext = json_own(user, "ext");
	json_object_del(ext, "prebid");
	if (json_object_size(ext) == 0)
		json_object_del(user, "ext");
	return user;
}

static struct str buyer_uid(const struct splitter *s, const struct split_bidder *bidder)
{
	struct str uid = json_str_at(s->req, "user.buyeruid");

	if (uid.n == 0 && s->buyeruids)
		uid = json_str(get(s->buyeruids, arena_lower(s->a, bidder->name)));
	if (uid.n == 0 && s->rules->buyer_uid)
		uid = s->rules->buyer_uid(s->rules->buyer_uid_ctx, bidder->core);
	return uid;
}

/* `user` is what first-party data left of it, lent. */
static void set_user(const struct splitter *s, struct bidder_request *br, json_t *given, bool sets_eids)
{
	struct str uid = buyer_uid(s, &br->bidder);
	json_t *eids = json_object_get(given, "eids"), *visible = NULL, *user = given;
	bool hides, sets_uid = uid.n && !str_eq(uid, json_str_at(given, "buyeruid"));

	if (eids && s->permissions && !sets_eids)
		visible = visible_eids(s, eids, br->bidder.name);
	hides = visible && visible != eids;
	if (hides || sets_uid) {
		user = given ? json_copy(given) : json_object();
		if (hides && json_array_size(visible))
			json_object_set_nocheck(user, "eids", visible);
		else if (hides)
			json_object_del(user, "eids");
		if (sets_uid)
			json_set_str(user, "buyeruid", uid);
		json_object_set_new_nocheck(br->request, "user", user);
	} else if (user) {
		json_object_set_nocheck(br->request, "user", user);
	}
	json_decref(visible);
}

static void set_part(json_t *request, const char *key, json_t *part)
{
	if (part && json_object_get(request, key) != part)
		json_object_set_nocheck(request, key, part);
}

static void set_parts(const struct splitter *s, struct bidder_request *br)
{
	bool sets_eids;
	const struct fpd_parts *parts = fpd_for(&s->fpd, br->bidder.name, &sets_eids);
	json_t *user = s->everybody_user;

	set_part(br->request, "site", parts->site);
	set_part(br->request, "app", parts->app);
	set_part(br->request, "device", parts->device);
	if (parts != &s->fpd.everybody && parts->user)
		user = arena_own_json(s->a, without_prebid(parts->user));
	set_user(s, br, user, sets_eids);
}

static int split_one(struct splitter *s, const struct split_bidder *bidder, struct bidder_request *ret_br)
{
	struct bidder_request br = { .bidder = *bidder };
	json_t *ext;
	int err;

	br.request = arena_own_json(s->a, json_copy((json_t *)(uintptr_t)s->req));
	err = set_imps(s, &br);
	if (err || br.n_imps == 0) {
		*ret_br = br;
		return err;
	}
	set_schain(s, &br);
	ext = split_ext_for(&s->ext, bidder);
	if (ext)
		json_object_set_new_nocheck(br.request, "ext", ext);
	else
		json_object_del(br.request, "ext");
	set_parts(s, &br);
	*ret_br = br;
	return 0;
}

static json_t *index_permissions(struct arena *a, const json_t *list)
{
	json_t *by_source;

	if (json_array_size(list) == 0)
		return NULL;
	by_source = arena_own_json(a, json_object());
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rule = json_array_get(list, i), *names = json_object_get(rule, "bidders");
		struct str source = json_str_at(rule, "source");
		json_t *allowed = json_object();

		for (size_t k = 0; k < json_array_size(names); k++) {
			struct str name = arena_lower(a, json_str(json_array_get(names, k)));

			json_object_setn_new_nocheck(allowed, name.p, name.n, json_true());
		}
		json_object_setn_new_nocheck(by_source, source.p, source.n, allowed);
	}
	return by_source;
}

static json_t *index_buyeruids(struct arena *a, json_t *uids)
{
	json_t *by_bidder, *v;
	const char *key;
	size_t len;

	if (json_object_size(uids) == 0)
		return NULL;
	by_bidder = arena_own_json(a, json_object());
	json_object_keylen_foreach(uids, key, len, v)
	{
		struct str name = arena_lower(a, (struct str){ key, len });

		json_object_setn_nocheck(by_bidder, name.p, name.n, v);
	}
	return by_bidder;
}

static json_t *index_schains(struct arena *a, struct messages *m, const json_t *list)
{
	json_t *by_bidder;

	if (json_array_size(list) == 0)
		return NULL;
	by_bidder = arena_own_json(a, json_object());
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i), *names = json_object_get(entry, "bidders");
		json_t *chain = ortb_decode(json_object_get(entry, "schain"), ORTB_SUPPLY_CHAIN, NULL, NULL);

		if (!chain)
			messages_add(m, MESSAGE_ERROR, BUCKET_PREBID, ERROR_PLAIN,
				     "request.ext.prebid.schains[%zu].schain cannot be read", i);
		for (size_t k = 0; k < json_array_size(names) && chain; k++) {
			struct str name = json_str(json_array_get(names, k));

			json_object_setn_nocheck(by_bidder, name.p, name.n, chain);
		}
		json_decref(chain);
	}
	return by_bidder;
}

int split(const json_t *req, const struct split_rules *rules, const struct split_bidder *bidders,
	  size_t n_bidders, struct arena *a, struct messages *m, struct bidder_request **ret_requests,
	  size_t *ret_n)
{
	struct splitter s = {
		.req = req,
		.rules = rules,
		.a = a,
		.m = m,
		.imps = json_object_get(req, "imp"),
		.permissions = index_permissions(a, json_at(req, "ext.prebid.data.eidpermissions")),
		.buyeruids = index_buyeruids(a, json_at(req, "user.ext.prebid.buyeruids")),
		.schains = index_schains(a, m, json_at(req, "ext.prebid.schains")),
	};
	struct bidder_request *list = ARENA_ARRAY(a, struct bidder_request, n_bidders + 1);
	size_t n = 0;
	int err = fpd_prepare(req, a, m, &s.fpd);

	if (err)
		return err;
	s.n_imps = json_array_size(s.imps);
	s.imp_exts = ARENA_ARRAY(a, json_t *, s.n_imps + 1);
	if (s.fpd.everybody.user)
		s.everybody_user = arena_own_json(a, without_prebid(s.fpd.everybody.user));
	split_ext_init(&s.ext, req, rules);
	for (size_t i = 0; i < n_bidders && !err; i++) {
		err = split_one(&s, &bidders[i], &list[n]);
		n += !err && list[n].n_imps > 0;
	}
	split_ext_deinit(&s.ext);
	if (err)
		return err;
	*ret_requests = list;
	*ret_n = n;
	return 0;
}

static bool is_listed(struct str id, const struct str *ids, size_t n_ids)
{
	for (size_t i = 0; i < n_ids; i++)
		if (str_eq(ids[i], id))
			return true;
	return false;
}

void split_drop_imps(struct bidder_request *br, const struct str *ids, size_t n_ids, struct arena *a)
{
	const json_t *imps = json_object_get(br->request, "imp");
	struct str *left = ARENA_ARRAY(a, struct str, br->n_imps + 1);
	json_t *kept = json_array();
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_array_get(imps, i);

		if (is_listed(json_str_at(imp, "id"), ids, n_ids))
			continue;
		left[n++] = br->imp_ids[i];
		json_array_append(kept, imp);
	}
	json_object_set_new_nocheck(br->request, "imp", kept);
	br->imp_ids = left;
	br->n_imps = n;
}

void split_finish(struct bidder_request *br, const struct split_dialect *dialect,
		  const struct gpp_sections *gpp)
{
	if (!dialect->gpp && gpp)
		convert_gpp_down(br->request, gpp);
	if (!dialect->ortb_26)
		convert_down(br->request);
}

static bool is_enforced(const struct split_tmax *t)
{
	return t->adjustments_enabled && t->bidder_min_ms != 0 &&
	       (t->network_buffer_ms != 0 || t->preparation_ms != 0);
}

int64_t split_tmax_ms(const struct split_tmax *t, int64_t request_tmax_ms, int64_t left_ms)
{
	int64_t reduced = left_ms - t->network_buffer_ms - t->preparation_ms;

	if (left_ms < 0 || (t->mode == SPLIT_TMAX_REFERENCE && !is_enforced(t)))
		return request_tmax_ms;
	if (t->mode == SPLIT_TMAX_REDUCE && request_tmax_ms > 0 && reduced > request_tmax_ms)
		reduced = request_tmax_ms;
	return reduced > 0 ? reduced : 1;
}

bool split_tmax_is_too_short(const struct split_tmax *t, int64_t left_ms)
{
	return is_enforced(t) && left_ms >= 0 &&
	       left_ms - t->network_buffer_ms - t->preparation_ms < t->bidder_min_ms;
}

void split_set_tmax(struct bidder_request *br, int64_t tmax_ms)
{
	if (tmax_ms > 0)
		json_set_int(br->request, "tmax", tmax_ms);
	else
		json_object_del(br->request, "tmax");
}
