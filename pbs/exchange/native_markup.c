#include "pbs/exchange/native_markup.h"

#include <stdlib.h>

#include "common/json.h"

/* The two asset kinds that have a type, and how each is called in messages. */
static const struct kind {
	const char *key, *name, *article;
} kinds[] = { { "img", "Image", "an" }, { "data", "Data", "a" } };

struct pass {
	json_t *wanted; /* the request's assets by id: both sides may send thousands */
	struct str bidder;
	struct messages *m;
};

static json_t *assets_by_id(const json_t *assets)
{
	json_t *by_id = json_object(), *asset;
	size_t i;

	json_array_foreach (assets, i, asset) {
		int64_t id = json_integer_value(json_object_get(asset, "id"));

		if (!json_object_getn(by_id, (const char *)&id, sizeof id))
			json_object_setn_nocheck(by_id, (const char *)&id, sizeof id, asset);
	}
	return by_id;
}

static json_t *find_asset(const json_t *by_id, int64_t id)
{
	return json_object_getn(by_id, (const char *)&id, sizeof id);
}

/* Whether the asset is in order; one complaint per asset is enough. */
static bool set_type(struct pass *p, json_t *asset, const struct kind *kind)
{
	const json_t *id = json_object_get(asset, "id"), *asked, *type;
	json_t *part = json_object_get(asset, kind->key);

	if (!json_is_object(part))
		return true;
	if (!json_is_integer(id)) {
		messages_add(p->m, MESSAGE_ERROR, p->bidder, ERROR_PLAIN,
			     "Response %s asset doesn't have an ID", kind->name);
		return false;
	}
	asked = find_asset(p->wanted, json_integer_value(id));
	if (!asked) {
		messages_add(p->m, MESSAGE_ERROR, p->bidder, ERROR_PLAIN,
			     "Unable to find asset with ID:%lld in the request",
			     (long long)json_integer_value(id));
		return false;
	}
	if (!json_is_object(json_object_get(asked, kind->key))) {
		messages_add(
			p->m, MESSAGE_ERROR, p->bidder, ERROR_PLAIN,
			"Response has %s %s asset with ID:%lld present that doesn't exist in the request",
			kind->article, kind->name, (long long)json_integer_value(id));
		return false;
	}
	type = json_object_get(json_object_get(asked, kind->key), "type");
	if (json_is_integer(type) && json_integer_value(type) != 0)
		json_set_int(part, "type", json_integer_value(type));
	return true;
}

static void replace_adm(struct bid *b, const json_t *markup, struct arena *a)
{
	json_t *own = json_copy(b->ortb);
	char *text = json_text(markup);

	json_set_str(own, "adm", str_of(text));
	b->ortb = arena_own_json(a, own);
	free(text);
}

void native_markup_add_types(struct bid *b, const json_t *imp, struct arena *a, struct messages *m)
{
	json_auto_t *markup = b->type == BID_NATIVE ? json_parse(json_str_at(b->ortb, "adm"), NULL) : NULL;
	json_t *assets = json_object_get(markup, "assets");
	json_auto_t *request = NULL;
	struct pass p = { .bidder = b->bidder, .m = m };
	struct errtext why;
	size_t i;
	json_t *asset;

	if (json_array_size(assets) == 0)
		return;
	if (!json_is_object(json_object_get(imp, "native"))) {
		messages_add(m, MESSAGE_ERROR, b->bidder, ERROR_PLAIN, "Could not find native imp");
		return;
	}
	request = json_parse(json_str_at(imp, "native.request"), &why);
	if (!request)
		messages_add(m, MESSAGE_ERROR, b->bidder, ERROR_PLAIN, "%s", why.text);
	p.wanted = assets_by_id(json_object_get(request, "assets"));
	json_array_foreach (assets, i, asset)
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds && set_type(&p, asset, &kinds[k]); k++)
			;
	json_decref(p.wanted);
	replace_adm(b, markup, a);
}
