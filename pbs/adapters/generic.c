/* Imps become calls in two steps: each imp is shaped by itself and says which call it belongs to, by its
 * endpoint and by how the file splits; then each call's request is shaped with its first imp's parameters.
 */
#include "pbs/adapters/generic.h"

#include "common/mem.h"
#include "pbs/adapters/ortb_text.h"

/* Imps that travel together. */
struct group {
	struct group *next;
	struct str uri;
	enum media media; /* when each format travels alone */
	json_t *imps;
	const json_t *params; /* of its first imp */
};

struct groups {
	struct group *first, **tail;
};

/* Members that say what is sold and where: an addition never invents one. */
static bool is_optional(struct str name)
{
	static const char *const names[] = { "banner", "video", "audio", "native", "site",   "app",
					     "dooh",   "pmp",   "user",  "device", "source", "regs" };

	return str_index(name, names, ARRAY_LEN(names)) >= 0;
}

/* Takes the reference to `v`. */
static void set_path(json_t *obj, struct str path, json_t *v)
{
	while (true) {
		char name[GENERIC_NAME_MAX + 1] = { 0 };
		struct str key = str_cut(&path, '.');

		memcpy(name, key.p, key.n < GENERIC_NAME_MAX ? key.n : GENERIC_NAME_MAX);
		if (!path.p) {
			json_object_set_new(obj, name, v);
			return;
		}
		if (is_optional(key) && !json_object_get(obj, name)) {
			json_decref(v);
			return;
		}
		obj = json_own_object(obj, name);
	}
}

static void remove_path(json_t *obj, struct str path)
{
	while (json_is_object(obj)) {
		char name[GENERIC_NAME_MAX + 1] = { 0 };
		struct str key = str_cut(&path, '.');

		memcpy(name, key.p, key.n < GENERIC_NAME_MAX ? key.n : GENERIC_NAME_MAX);
		if (!path.p) {
			json_object_del(obj, name);
			return;
		}
		obj = json_own(obj, name);
	}
}

/* The rest of a path that is of the imp, or the path when it is of the request; false when it is the other's. */
static bool path_for(bool imp, const char *path, struct str *ret_path)
{
	struct str text = str_of(path);
	bool of_imp = str_starts(text, STR("imp."));

	*ret_path = of_imp ? (struct str){ text.p + 4, text.n - 4 } : text;
	return of_imp == imp;
}

/* A parameter as its place wants it; NULL when it has no such form. */
static json_t *value_as(struct arena *a, json_t *v, enum generic_as as)
{
	if (as == GENERIC_RAW)
		return json_incref(v);
	if (!json_is_string(v) && !json_is_number(v))
		return NULL;
	return as == GENERIC_NUMBER ? json_real(ortb_number(v, 0)) : json_new_str(ortb_text(a, v));
}

/* A text of `set` with its placeholders filled. One that is a placeholder and nothing else becomes the parameter
 * as it is. NULL when a parameter is missing, or has no text to put among others. */
static json_t *fill_text(struct arena *a, json_t *v, const json_t *params)
{
	struct str rest = json_str(v), text, name, value;
	json_t *param = NULL, *out = NULL;
	bool ok = true, alone = true;
	struct buf b;

	buf_init(&b, 64 << 10);
	while (ok && rest.n > 0 && generic_macro(&rest, &text, &name)) {
		char key[GENERIC_NAME_MAX + 1] = { 0 };

		buf_add_str(&b, text);
		if (name.n == 0)
			continue;
		alone = text.n == 0 && b.n == 0 && rest.n == 0;
		memcpy(key, name.p, name.n);
		param = typed_get(params, key);
		value = ortb_text(a, param);
		ok = param && (alone || value.n > 0);
		buf_add_str(&b, value);
	}
	if (ok)
		out = param && alone ? json_incref(param) : json_new_str(buf_str(&b));
	buf_deinit(&b);
	return out;
}

/* A value of `set` for these parameters; what a missing one would have filled is left out. */
static json_t *fill(struct arena *a, json_t *v, const json_t *params)
{
	const char *key;
	json_t *member, *out, *filled;
	size_t i;

	if (json_is_string(v))
		return fill_text(a, v, params);
	if (!json_is_object(v) && !json_is_array(v))
		return json_deep_copy(v); /* workers share the spec, not its reference counts */
	out = json_is_object(v) ? json_object() : json_array();
	json_object_foreach (v, key, member)
		if ((filled = fill(a, member, params)))
			json_object_set_new(out, key, filled);
	json_array_foreach (v, i, member)
		if ((filled = fill(a, member, params)))
			json_array_append_new(out, filled);
	return out;
}

/* Parameters, additions and removals, in this order. */
static void shape(struct arena *a, const struct generic_spec *spec, json_t *obj, bool imp,
		  const json_t *params)
{
	json_t *set = (json_t *)spec->set, *v; /* jansson's iterators take no const */
	const char *key;
	struct str path;

	for (size_t i = 0; i < spec->n_params; i++) {
		const struct generic_param *p = &spec->params[i];

		v = json_object_get(params, p->name);
		v = v && path_for(imp, p->to, &path) ? value_as(a, v, p->as) : NULL;
		if (v)
			set_path(obj, path, v);
	}
	json_object_foreach (set, key, v)
		if (path_for(imp, key, &path) && (v = fill(a, v, params)))
			set_path(obj, path, v);
	for (size_t i = 0; i < json_array_size(spec->remove); i++)
		if (path_for(imp, json_string_value(json_array_get(spec->remove, i)), &path))
			remove_path(obj, path);
}

/* The endpoint with its placeholders filled; false with an error when a parameter is missing. */
static bool expand(struct adapter_request *r, const json_t *params, struct adapter_errors *errors,
		   struct str *ret_uri)
{
	struct str rest = str_of(r->bidder->endpoint), text, name;
	struct buf b;
	bool ok = true;

	buf_init(&b, 64 << 10);
	while (ok && rest.n > 0 && generic_macro(&rest, &text, &name)) {
		char key[GENERIC_NAME_MAX + 1] = { 0 };
		struct str value;

		buf_add_str(&b, text);
		if (name.n == 0)
			continue;
		memcpy(key, name.p, name.n);
		value = ortb_text(r->arena, typed_get(params, key));
		ok = value.n > 0;
		buf_add_str(&b, ortb_query_escape(r->arena, value));
		if (!ok)
			adapter_error(errors, ADAPTER_BAD_INPUT, "The endpoint needs the parameter %s", key);
	}
	*ret_uri = arena_str(r->arena, buf_str(&b));
	buf_deinit(&b);
	return ok;
}

static void add_to_group(struct adapter_request *r, struct groups *groups, struct str uri, enum media media,
			 json_t *imp, const json_t *params)
{
	const struct generic_spec *spec = r->bidder->state;
	struct group *g = groups->first;

	while (g && (spec->split == GENERIC_PER_IMP || g->media != media || !str_eq(g->uri, uri)))
		g = g->next;
	if (!g) {
		g = ARENA_NEW(r->arena, struct group);
		*g = (struct group){ NULL, uri, media, arena_own_json(r->arena, json_array()), params };
		*groups->tail = g;
		groups->tail = &g->next;
	}
	json_array_append(g->imps, imp);
}

/* One imp into its group, or each of its formats into one. */
static void take_imp(struct adapter_request *r, struct groups *groups, json_t *imp,
		     struct adapter_errors *errors)
{
	const struct generic_spec *spec = r->bidder->state;
	const json_t *params = json_at(imp, "ext.bidder");
	struct str uri = str_of(r->bidder->endpoint);
	struct errtext why;

	if ((spec->n_params || spec->has_macros) && !ortb_is_map(params, &why)) {
		adapter_error(errors, ADAPTER_BAD_INPUT, "%s", why.text);
		return;
	}
	if (spec->has_macros && !expand(r, params, errors, &uri))
		return;
	params = params ? arena_own_json(r->arena, json_incref((json_t *)params)) : NULL;
	shape(r->arena, spec, imp, true, params);
	if (spec->split != GENERIC_PER_MEDIA) {
		add_to_group(r, groups, uri, MEDIA_NONE, imp, params);
		return;
	}
	for (size_t i = 0; i < MEDIA_KINDS; i++) {
		json_t *one;

		if (!json_object_get(imp, media_name(media_order[i])))
			continue;
		one = arena_own_json(r->arena, json_copy(imp));
		for (size_t k = 0; k < MEDIA_KINDS; k++)
			if (k != i)
				json_object_del(one, media_name(media_order[k]));
		add_to_group(r, groups, uri, media_order[i], one, params);
	}
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	const struct generic_spec *spec = r->bidder->state;
	const json_t *imps = json_object_get(r->root, "imp");
	struct groups groups = { NULL, NULL };

	groups.tail = &groups.first;
	for (size_t i = 0; i < json_array_size(imps); i++)
		take_imp(r, &groups, json_array_get(imps, i), &out->errors);
	for (struct group *g = groups.first; g; g = g->next) {
		json_t *body = ortb_body(r, json_incref(g->imps));
		struct adapter_call *call;

		shape(r->arena, spec, body, false, g->params);
		call = adapter_call_add(r, out, g->uri, body);
		ortb_headers(r->arena, call, spec->rules.headers);
		for (size_t i = 0; i < spec->n_headers; i++)
			adapter_call_header(r->arena, call, spec->headers[i].name, spec->headers[i].value);
	}
}

/* Replies ------------------------------------------------------------------------------------------ */

static bool type_by(const struct ortb_bid *x, enum generic_type rule, struct str *ret_type)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE, MEDIA_AUDIO,
					    MEDIA_NONE };
	enum media media = MEDIA_NONE;

	if (rule == GENERIC_PREBID)
		return ortb_prebid_type(x->bid, ret_type, NULL);
	if (rule == GENERIC_MTYPE)
		media = media_of_mtype(json_int_at(x->bid, "mtype", 0));
	else
		media = ortb_imp_media(ortb_imp_by_id(x->r->root, json_str_at(x->bid, "impid")), order);
	*ret_type = str_of(media_name(media));
	return media != MEDIA_NONE;
}

/* Bidders that are Prebid servers themselves say what adapters with code would know. */
static void read_prebid(struct adapter_bid *b, const json_t *prebid)
{
	const json_t *video = json_object_get(prebid, "video");

	b->deal_priority = json_int_at(prebid, "dealpriority", 0);
	if (!json_is_object(video))
		return;
	b->has_video = true;
	b->video.duration = json_int_at(video, "duration", 0);
	b->video.primary_category = json_str_at(video, "primary_category");
}

enum ortb_verdict generic_bid(struct ortb_bid *x)
{
	const struct generic_spec *spec = x->r->bidder->state;
	bool found = false;

	if (spec->seat_from_response)
		x->b->seat = json_str_at(x->seatbid, "seat");
	read_prebid(x->b, json_at(x->bid, "ext.prebid"));
	for (size_t i = 0; i < spec->n_types && !found; i++)
		found = type_by(x, spec->types[i], &x->b->type);
	if (!found && spec->default_media == MEDIA_NONE) {
		adapter_error(&x->out->errors, ADAPTER_BAD_SERVER_RESPONSE,
			      "The bid for impression id " STR_FMT " has no type",
			      STR_ARG(json_str_at(x->bid, "impid")));
		return ORTB_DROP;
	}
	if (!found)
		x->b->type = str_of(media_name(spec->default_media));
	return ORTB_KEEP;
}

static void parse_bids(const struct adapter_request *r, const struct adapter_call *sent,
		       const struct adapter_reply *reply, struct adapter_bids *out)
{
	const struct generic_spec *spec = r->bidder->state;

	for (size_t i = 0; i < json_array_size(spec->no_bid); i++)
		if (json_integer_value(json_array_get(spec->no_bid, i)) == reply->status)
			return;
	ortb_parse_by(&spec->rules, r, sent, reply, out);
}

const struct adapter adapter_generic = {
	.name = "generic",
	.make_requests = make_requests,
	.parse_bids = parse_bids,
	.build = generic_build,
};
