#include "pbs/adapters/generic.h"

#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/ortb_common.h"

/* What a bidder-info file may say beyond the common keys. */
struct generic_spec {
	bool seat_from_response; /* seatFromResponse: the bidder answers for other seats, see alternate codes */
};

static int build(struct bidder *b, struct arena *a, struct errtext *why)
{
	struct generic_spec *spec = ARENA_NEW(a, struct generic_spec);

	(void)why;
	spec->seat_from_response = json_bool_at(b->info->root, "seatFromResponse", false);
	b->state = spec;
	return 0;
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

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE, MEDIA_AUDIO,
					    MEDIA_NONE };
	enum media media = media_of_mtype(json_int_at(x->bid, "mtype", 0));
	const struct generic_spec *spec = x->r->bidder->state;

	if (spec && spec->seat_from_response)
		x->b->seat = json_str_at(x->seatbid, "seat");
	read_prebid(x->b, json_at(x->bid, "ext.prebid"));
	if (media == MEDIA_NONE && ortb_prebid_type(x->bid, &x->b->type, NULL))
		return ORTB_KEEP;
	if (media == MEDIA_NONE)
		media = ortb_imp_media(ortb_imp_by_id(x->r->root, json_str_at(x->bid, "impid")), order);
	x->b->type = str_of(media_name(media == MEDIA_NONE ? MEDIA_BANNER : media));
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.headers = ORTB_HEADERS_JSON,
	.currency = ORTB_CURRENCY_OR_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_generic = {
	.name = "generic",
	.rules = &rules,
	.make_requests = ortb_make_requests,
	.parse_bids = ortb_parse_bids,
	.build = build,
};
