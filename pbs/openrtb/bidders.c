#include "pbs/openrtb/bidders.h"

#include "common/json.h"
#include "common/mem.h"

static const struct {
	struct str name;
	const char *hint;
} retired[] = {
	{ STR("adagio"), "" },
	{ STR("andbeyondmedia"),
	  " If you're looking to use the AndBeyond.Media SSP adapter, please rename it to "
	  "\"beyondmedia\" in your configuration." },
	{ STR("applogy"), "" },
	{ STR("bizzclick"), "" },
	{ STR("brightroll"), "" },
	{ STR("engagebdr"), "" },
	{ STR("groupm"), "" },
	{ STR("kubient"), "" },
	{ STR("liftoff"),
	  " If you're looking to use the Vungle Exchange adapter, please rename it to \"vungle\" "
	  "in your configuration." },
	{ STR("lifestreet"), "" },
	{ STR("nanointeractive"), "" },
	{ STR("ninthdecimal"), "" },
	{ STR("oftmedia"), "" },
	{ STR("rhythmone"), "" },
	{ STR("somoaudience"), "" },
	{ STR("verizonmedia"), "" },
	{ STR("yssp"),
	  " If you're looking to use the Yahoo SSP adapter, please rename it to \"yahooAds\" in your "
	  "configuration." },
};

static const struct str reserved[] = {
	STR("ae"),  STR("context"), STR("data"),  STR("gpid"),
	STR("igs"), STR("prebid"),  STR("skadn"), STR("tid"),
};

static const json_t *alias_target(const struct bidder_names *names, struct str name)
{
	return names->aliases ? json_object_getn(names->aliases, name.p, name.n) : NULL;
}

enum bidder_status bidder_resolve(const struct bidder_names *names, struct str name, struct str *ret_core)
{
	const json_t *target = alias_target(names, name);

	return names->find(names->ctx, json_is_string(target) ? json_str(target) : name, ret_core);
}

bool bidder_is_alias(const struct bidder_names *names, struct str name)
{
	return alias_target(names, name) != NULL;
}

bool bidder_is_known(const struct bidder_names *names, struct str name)
{
	struct str core;

	return bidder_is_alias(names, name) || names->find(names->ctx, name, &core) == BIDDER_ACTIVE;
}

const char *bidder_retired_hint(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(retired); i++)
		if (str_eq_nocase(retired[i].name, name))
			return *retired[i].hint ? retired[i].hint : " Please update your configuration.";
	return NULL;
}

bool bidder_is_reserved(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_eq(reserved[i], key))
			return true;
	return false;
}

bool bidders_move_legacy(json_t *ext)
{
	json_t *bidder, *v;
	const char *key;
	void *next;
	size_t len;

	if (json_is_object(json_at(ext, "prebid.bidder")))
		return false;
	bidder = json_object();
	json_object_keylen_foreach_safe(ext, next, key, len, v)
	{
		if (bidder_is_reserved((struct str){ key, len }))
			continue;
		json_object_setn_nocheck(bidder, key, len, v);
		json_object_deln(ext, key, len);
	}
	json_object_set_new_nocheck(json_own_object(ext, "prebid"), "bidder", bidder);
	return true;
}
