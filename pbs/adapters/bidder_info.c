#include "pbs/adapters/bidder_info.h"

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/typed.h"

enum { MAX_TMAX_DEDUCTION_MS = 10000 };

#define KEY(name, kind) TYPED_FIELD(name, name, TYPED_##kind, TYPED_GIVEN)
#define PART(key, of)                                                                                        \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_GIVEN                                                                          \
	}
#define STRS(key)                                                                                            \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_STR,                    \
		.mark = TYPED_GIVEN, .list = true                                                            \
	}
#define TABLE(rows)                                                                                          \
	{                                                                                                    \
		"bidder-info", rows, ARRAY_LEN(rows)                                                         \
	}

static const struct typed_field endpoint_keys[] = { KEY("url", STR), KEY("redirectUrl", STR),
						    KEY("externalUrl", STR), KEY("userMacro", STR) };
static const struct typed_struct endpoint_table = TABLE(endpoint_keys);
static const struct typed_field skip_keys[] = { KEY("gdpr", BOOL), STRS("gpp_sid") };
static const struct typed_struct skip_table = TABLE(skip_keys);
static const struct typed_field sync_keys[] = {
	KEY("key", STR),
	KEY("default", STR),
	STRS("supports"),
	PART("iframe", endpoint_table),
	PART("redirect", endpoint_table),
	KEY("externalUrl", STR),
	KEY("formatOverride", STR),
	KEY("enabled", BOOL),
	PART("skipwhen", skip_table),
};
static const struct typed_struct sync_table = TABLE(sync_keys);
static const struct typed_field xapi_keys[] = { KEY("username", STR), KEY("password", STR),
						KEY("tracker", STR) };
static const struct typed_struct xapi_table = TABLE(xapi_keys);
static const struct typed_field openrtb_keys[] = { KEY("version", NUMBER), KEY("gpp-supported", BOOL),
						   KEY("multiformat-supported", BOOL) };
static const struct typed_struct openrtb_table = TABLE(openrtb_keys);
static const struct typed_field platform_keys[] = { STRS("mediaTypes") };
static const struct typed_struct platform_table = TABLE(platform_keys);
static const struct typed_field capability_keys[] = { PART("site", platform_table),
						      PART("app", platform_table),
						      PART("dooh", platform_table) };
static const struct typed_struct capability_table = TABLE(capability_keys);
static const struct typed_field debug_keys[] = { KEY("allow", BOOL) };
static const struct typed_struct debug_table = TABLE(debug_keys);
static const struct typed_field maintainer_keys[] = { KEY("email", STR) };
static const struct typed_struct maintainer_table = TABLE(maintainer_keys);
static const struct typed_field info_keys[] = {
	KEY("adapter", STR),
	KEY("generic", MAP),
	KEY("seatFromResponse", BOOL),
	KEY("endpoint", STR),
	KEY("extra_info", STR),
	KEY("platform_id", STR),
	KEY("app_secret", STR),
	PART("xapi", xapi_table),
	KEY("enabled", BOOL),
	KEY("disabled", BOOL),
	KEY("whiteLabelOnly", BOOL),
	KEY("aliasOf", STR),
	KEY("endpointCompression", STR),
	KEY("traceparent", BOOL),
	KEY("tmaxDeductionMs", INT),
	KEY("gvlVendorID", INT),
	STRS("geoscope"),
	KEY("modifyingVastXmlAllowed", BOOL),
	PART("debug", debug_table),
	PART("maintainer", maintainer_table),
	PART("openrtb", openrtb_table),
	PART("capabilities", capability_table),
	PART("userSync", sync_table),
	PART("limits", bidder_limits_table),
};
static const struct typed_struct info_table = TABLE(info_keys);

static const char *const platform_names[PLATFORMS] = { "site", "app", "dooh" };

const char *platform_name(enum platform p)
{
	return platform_names[p];
}

/* NULL when missing or empty; jansson's texts are NUL-terminated and live as long as the tree. */
static const char *text_at(const json_t *j, const char *path)
{
	const char *z = json_string_value(json_at(j, path));

	return z && z[0] ? z : NULL;
}

static void read_endpoint(const json_t *j, struct bidder_sync_endpoint *e)
{
	e->url = text_at(j, "url");
	e->redirect_url = text_at(j, "redirectUrl");
	e->external_url = text_at(j, "externalUrl");
	e->user_macro = text_at(j, "userMacro");
}

static void read_sync(struct bidder_info *info, const json_t *root, const struct bidder_info *parent)
{
	const json_t *sync = json_object_get(root, "userSync"), *supports = json_object_get(sync, "supports");

	if (!sync) {
		if (parent) {
			info->sync.key = parent->sync.key;
			info->sync.defined = parent->sync.defined;
		}
		return;
	}
	info->sync.defined = json_object_size(sync) > (size_t)(supports != NULL) +
							      (json_object_get(sync, "enabled") != NULL) +
							      (json_object_get(sync, "default") != NULL);
	info->sync.external_url = text_at(sync, "externalUrl");
	info->sync.format_override = text_at(sync, "formatOverride");
	info->sync.off = !json_bool_at(sync, "enabled", true);
	info->sync.skip_gdpr = json_bool_at(sync, "skipwhen.gdpr", false);
	info->sync.skip_gpp_sids = json_at(sync, "skipwhen.gpp_sid");
	info->sync.key = text_at(sync, "key");
	if (!info->sync.key)
		info->sync.key = info->name;
	info->sync.default_type = text_at(sync, "default");
	for (size_t i = 0; i < json_array_size(supports); i++) {
		struct str type = json_str(json_array_get(supports, i));

		info->sync.supports_iframe |= str_eq_nocase(type, STR("iframe"));
		info->sync.supports_redirect |= str_eq_nocase(type, STR("redirect"));
	}
	read_endpoint(json_object_get(sync, "iframe"), &info->sync.iframe);
	read_endpoint(json_object_get(sync, "redirect"), &info->sync.redirect);
	info->sync.supports_iframe |= info->sync.iframe.url != NULL;
	info->sync.supports_redirect |= info->sync.redirect.url != NULL;
}

static int read_capabilities(struct bidder_info *info, const json_t *root, struct errtext *why)
{
	for (int p = 0; p < PLATFORMS; p++) {
		const json_t *one = json_object_get(json_object_get(root, "capabilities"), platform_names[p]);
		const json_t *types = json_object_get(one, "mediaTypes");

		info->on[p] = one != NULL;
		for (size_t i = 0; i < json_array_size(types); i++) {
			struct str name = json_str(json_array_get(types, i));
			enum media media = media_parse(name);

			if (media == MEDIA_NONE) {
				errtext_set(why,
					    "capabilities.%s.mediaTypes[%zu]: unknown media type \"" STR_FMT
					    "\"",
					    platform_names[p], i, STR_ARG(name));
				return ERR_INPUT;
			}
			info->media[p] |= media;
		}
	}
	return 0;
}

static void read_geoscope(struct arena *a, struct bidder_info *info, const json_t *root)
{
	const json_t *list = json_object_get(root, "geoscope");

	info->n_geoscope = json_array_size(list);
	info->geoscope = ARENA_ARRAY(a, const char *, info->n_geoscope);
	for (size_t i = 0; i < info->n_geoscope; i++)
		info->geoscope[i] = json_string_value(json_array_get(list, i));
}

/* The file over what the parent says, the host over both. */
static json_t *layered(const json_t *file, const struct bidder_info *parent, const json_t *host)
{
	json_t *base = json_incref((json_t *)file), *out;

	if (parent) {
		json_t *inherited = json_copy((json_t *)parent->root);

		json_object_del(inherited, "gvlVendorID");
		json_object_del(inherited, "userSync");
		json_object_del(inherited, "aliasOf");
		json_decref(base);
		base = json_merge_patch(inherited, file);
		json_decref(inherited);
	}
	out = host ? json_merge_patch(base, host) : json_incref(base);
	json_decref(base);
	return out;
}

static json_t *decode(const json_t *file, struct errtext *why)
{
	const char *unknown = typed_unknown_key(typed_get(file, "limits"), &bidder_limits_table);

	if (unknown) /* a limit that is misspelt would limit nothing */
		errtext_set(why, "limits.%s: there is no such key", unknown);
	return file && !unknown ? typed_decode((json_t *)file, &info_table, NULL, why) : NULL;
}

int bidder_info_parse(struct arena *a, const char *name, const json_t *file, const struct bidder_info *parent,
		      const json_t *host, struct bidder_info *ret_info, struct errtext *why)
{
	struct bidder_info info = { .name = arena_strdup(a, name) };
	json_t *own, *over = NULL, *all, *root;
	struct str version;

	own = decode(file, why);
	if (!own)
		return ERR_INPUT;
	over = decode(host, why);
	if (host && !over) {
		json_decref(own);
		return ERR_INPUT;
	}
	all = layered(own, parent, over);
	json_decref(own);
	json_decref(over);
	root = arena_own_json(a, all);

	info.root = root;
	info.alias_of = text_at(root, "aliasOf");
	info.endpoint = text_at(root, "endpoint");
	info.extra_info = text_at(root, "extra_info");
	info.platform_id = text_at(root, "platform_id");
	info.app_secret = text_at(root, "app_secret");
	info.xapi_username = text_at(root, "xapi.username");
	info.xapi_password = text_at(root, "xapi.password");
	info.xapi_tracker = text_at(root, "xapi.tracker");
	info.maintainer = text_at(root, "maintainer.email");
	info.disabled = json_bool_at(root, "disabled", false) || !json_bool_at(root, "enabled", true);
	if (json_bool_at(host, "enabled", false))
		info.disabled = false; /* the host's word on a bidder whose file says disabled */
	info.white_label_only = json_bool_at(root, "whiteLabelOnly", false);
	info.gzip = str_eq_nocase(json_str_at(root, "endpointCompression"), STR("gzip"));
	info.traceparent = json_bool_at(root, "traceparent", false);
	info.modifying_vast_xml_allowed = json_bool_at(root, "modifyingVastXmlAllowed", false);
	info.debug_allow = json_bool_at(root, "debug.allow", true);
	version = json_str_at(root, "openrtb.version");
	info.openrtb_26 = str_eq(version, STR("2.6")) || json_num_at(root, "openrtb.version", 0) == 2.6;
	info.gpp_supported = json_bool_at(root, "openrtb.gpp-supported", false);
	info.multiformat_supported = json_bool_at(root, "openrtb.multiformat-supported", true);
	info.gvl_id = (int)json_int_at(root, "gvlVendorID", 0);
	info.tmax_deduction_ms = json_int_at(root, "tmaxDeductionMs", 0);
	if (info.tmax_deduction_ms < 0 || info.tmax_deduction_ms > MAX_TMAX_DEDUCTION_MS) {
		errtext_set(why, "tmaxDeductionMs: expected 0 to %d", MAX_TMAX_DEDUCTION_MS);
		return ERR_INPUT;
	}
	read_geoscope(a, &info, root);
	read_sync(&info, root, parent);
	if (read_capabilities(&info, root, why) < 0 ||
	    bidder_limits_read(a, json_object_get(root, "limits"), &info.limits, why) < 0)
		return ERR_INPUT;
	*ret_info = info;
	return 0;
}
