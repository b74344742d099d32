/* What this host knows about its bidders: /info/bidders, /info/bidders/{name}, /info/bidders/all,
 * /bidders/params.
 *
 * Source  Prebid Server's info endpoints. */
#include <strings.h>

#include "common/http_json.h"
#include "common/json.h"
#include "pbs/endpoints/endpoints.h"
#include "pbs/openrtb/media.h"
#include "pbs/server.h"

/* An argument that filters when it is "true"; anything but true and false, the empty text included, is
 * refused. */
static bool read_filter(struct http_request *req, const char *name, bool *ret_on)
{
	bool found;
	struct str v = http_request_arg(req, name, &found);

	*ret_on = found && str_eq_nocase(v, STR("true"));
	if (!found || *ret_on || str_eq_nocase(v, STR("false")))
		return true;
	http_reply(req, 400, "text/plain; charset=utf-8",
		   str_of(arena_printf(req->arena,
				       "Invalid value for '%s' query param, must be of boolean type", name)));
	return false;
}

void endpoint_info_bidders(struct http_request *req)
{
	const struct registry *r = pbs_request_bidders(req)->registry;
	bool enabled_only, base_only;
	json_t *names;

	if (!read_filter(req, "enabledonly", &enabled_only) ||
	    !read_filter(req, "baseadaptersonly", &base_only))
		return;
	names = json_array();
	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_bidder *b = registry_at(r, i);

		if (!b->info.white_label_only && !(enabled_only && b->disabled) &&
		    !(base_only && b->info.alias_of))
			json_array_append_new(names, json_string(b->bidder.name));
	}
	http_reply_json_new(req, 200, names);
}

static json_t *render_capabilities(const struct bidder_info *info)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_AUDIO, MEDIA_NATIVE };
	json_t *all = json_object();

	for (enum platform p = 0; p < PLATFORMS; p++) {
		json_t *types = json_array();

		for (size_t i = 0; i < sizeof order / sizeof *order; i++)
			if (info->media[p] & order[i])
				json_array_append_new(types, json_string(media_name(order[i])));
		if (info->on[p])
			json_object_set_new_nocheck(all, platform_name(p),
						    json_pack("{s:o}", "mediaTypes", types));
		else
			json_decref(types);
	}
	return all;
}

static json_t *render_info(const struct registry_bidder *b)
{
	json_t *j = json_object();

	json_object_set_new_nocheck(j, "status", json_string(b->disabled ? "DISABLED" : "ACTIVE"));
	if (!b->disabled) {
		json_set_bool(j, "usesHttps",
			      b->bidder.endpoint && strncasecmp(b->bidder.endpoint, "https://", 8) == 0);
		json_object_set_new_nocheck(j, "capabilities", render_capabilities(&b->info));
	}
	json_object_set_new_nocheck(
		j, "maintainer", json_pack("{s:s}", "email", b->info.maintainer ? b->info.maintainer : ""));
	if (b->info.alias_of)
		json_object_set_new_nocheck(j, "aliasOf", json_string(b->info.alias_of));
	return j;
}

void endpoint_info_bidder(struct http_request *req)
{
	const struct registry *r = pbs_request_bidders(req)->registry;
	struct str name = { req->path.p + strlen("/info/bidders/"), req->path.n - strlen("/info/bidders/") };
	const struct registry_bidder *b;
	json_t *all;

	if (!str_eq_nocase(name, STR("all"))) {
		b = registry_find(r, name);
		if (!b || b->info.white_label_only)
			http_reply(req, 404, NULL, STR(""));
		else
			http_reply_json_new(req, 200, render_info(b));
		return;
	}
	all = json_object();
	for (size_t i = 0; i < registry_count(r); i++) {
		b = registry_at(r, i);
		if (!b->info.white_label_only)
			json_object_set_new_nocheck(all, b->bidder.name, render_info(b));
	}
	http_reply_json_new(req, 200, all);
}

void endpoint_bidder_params(struct http_request *req)
{
	const struct registry *r = pbs_request_bidders(req)->registry;
	json_t *all = json_object();

	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_bidder *b = registry_at(r, i);

		if (b->params_json)
			json_object_set_nocheck(all, b->bidder.name, (json_t *)(uintptr_t)b->params_json);
	}
	http_reply_json_new(req, 200, all);
}
