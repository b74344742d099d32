#include "pbs/adapters/capabilities.h"

/* The media types of the last platform that the request names; false when one is not supported. */
static bool allowed_media(const json_t *root, const struct bidder_info *info, struct adapter_errors *errors,
			  unsigned *ret_media)
{
	*ret_media = 0;
	for (int p = 0; p < PLATFORMS; p++) {
		if (!json_is_object(json_object_get(root, platform_name((enum platform)p))))
			continue;
		if (!info->on[p]) {
			adapter_warn(errors, "this bidder does not support %s requests",
				     platform_name((enum platform)p));
			return false;
		}
		*ret_media = info->media[p];
	}
	return true;
}

static void remove_unsupported(json_t *imp, size_t i, unsigned allowed, struct adapter_errors *errors)
{
	unsigned has = media_of_imp(imp);

	for (int k = 0; k < MEDIA_KINDS; k++) {
		enum media m = media_order[k];

		if (!(has & m) || (allowed & m))
			continue;
		json_object_del(imp, media_name(m));
		adapter_warn(errors, "request.imp[%zu] uses %s, but this bidder doesn't support it", i,
			     media_name(m));
	}
}

/* Why an imp of several formats cannot be brought down to one. */
static void refuse_formats(struct str id, struct str preferred, enum media wanted,
			   struct adapter_errors *errors)
{
	static const char *const upper[] = { [MEDIA_BANNER] = "BANNER",
					     [MEDIA_VIDEO] = "VIDEO",
					     [MEDIA_AUDIO] = "AUDIO",
					     [MEDIA_NATIVE] = "NATIVE" };

	if (!preferred.n)
		adapter_error(errors, ADAPTER_BAD_INPUT,
			      "Removing the imp " STR_FMT " as the bidder does not support multi-format and "
			      "preferred media type is not defined for the bidder",
			      STR_ARG(id));
	else if (wanted == MEDIA_NONE)
		adapter_error(errors, ADAPTER_BAD_INPUT,
			      "Imp " STR_FMT " has an invalid preferred media type: " STR_FMT
			      ". It will be ignored.",
			      STR_ARG(id), STR_ARG(preferred));
	else
		adapter_error(errors, ADAPTER_BAD_INPUT,
			      "Imp " STR_FMT " does not have a preferred %s media type. It will be ignored.",
			      STR_ARG(id), upper[wanted]);
}

/* False when the imp has none of the one format that the bidder would take. */
static bool reduce_to_one(json_t *imp, struct str preferred, struct adapter_errors *errors)
{
	enum media wanted = media_parse(preferred);
	unsigned has = media_of_imp(imp);
	struct str id = json_str_at(imp, "id");

	if ((has & (has - 1)) == 0)
		return true;
	if (!(has & wanted)) {
		refuse_formats(id, preferred, wanted, errors);
		return false;
	}
	for (int k = 0; k < MEDIA_KINDS; k++) {
		const char *name = media_name(media_order[k]);

		if (media_order[k] == wanted || !(has & media_order[k]))
			continue;
		json_object_del(imp, name);
		adapter_warn(errors,
			     "Imp " STR_FMT
			     " uses %s, removing %s as the bidder doesn't support multi-format",
			     STR_ARG(id), name, name);
	}
	return true;
}

bool capabilities_apply(json_t *root, const struct bidder_info *info, struct str preferred,
			struct adapter_errors *errors)
{
	json_t *imps = json_object_get(root, "imp"), *kept;
	unsigned allowed;
	bool any;

	if (!allowed_media(root, info, errors, &allowed))
		return false;
	kept = json_array();
	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *imp = json_array_get(imps, i);

		remove_unsupported(imp, i, allowed, errors);
		if (media_of_imp(imp) == 0)
			adapter_error(errors, ADAPTER_BAD_INPUT,
				      "request.imp[%zu] has no supported MediaTypes. It will be ignored", i);
		else if (info->multiformat_supported || reduce_to_one(imp, preferred, errors))
			json_array_append(kept, imp);
	}
	any = json_array_size(kept) > 0;
	if (any && json_array_size(kept) < json_array_size(imps))
		json_object_set(root, "imp", kept);
	if (!any)
		adapter_warn(errors, "Bid request didn't contain media types supported by the bidder");
	json_decref(kept);
	return any;
}
