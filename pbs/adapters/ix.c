/* Index Exchange takes OpenRTB with its site as the publisher, and wants to know who sends it.
 *
 * Source  fact sheet "ix" of the reference's adapters.
 */
#include <stdlib.h>

#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ix_native.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_ext.h"
#include "pbs/openrtb/ext.h"

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define PART(key, label_, of, list_)                                                                         \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &(of), .len = sizeof(key) - 1,                     \
		.kind = TYPED_OBJECT, .mark = TYPED_GIVEN, .list = (list_)                                   \
	}

/* Requests ----------------------------------------------------------------------------------------- */

/* Keys match without case, so this is siteId and siteID as well. */
static const struct typed_field param_fields[] = {
	FIELD("siteid", "SiteId", STR),
	{ "size", "Size", NULL, 4, TYPED_INT, TYPED_GIVEN, true },
	FIELD("sid", "Sid", STR),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpIx", param_fields, ARRAY_LEN(param_fields) };

struct site_ids {
	struct str *at; /* each once, in the order of the imps */
	size_t n;
};

static void add_site(struct site_ids *sites, struct str id)
{
	for (size_t i = 0; i < sites->n; i++)
		if (str_eq(sites->at[i], id))
			return;
	if (id.n > 0)
		sites->at[sites->n++] = id;
}

/* A banner that has a size or one format has both. */
static void set_banner_size(json_t *imp)
{
	json_t *banner = json_object_get(imp, "banner"), *w, *h;

	w = json_object_get(banner, "w");
	h = json_object_get(banner, "h");
	if (json_array_size(json_object_get(banner, "format")) == 0 && w && h) {
		json_t *format = json_object();

		banner = json_own(imp, "banner");
		if (json_integer_value(w) != 0)
			json_object_set(format, "w", w);
		if (json_integer_value(h) != 0)
			json_object_set(format, "h", h);
		json_object_set_new(banner, "format", json_pack("[o]", format));
	} else if (json_array_size(json_object_get(banner, "format")) == 1) {
		ortb_banner_size(imp, SIZE_ALWAYS);
	}
}

static enum ortb_verdict rewrite_imp(struct ortb_imp *x)
{
	add_site(x->r->scratch, json_str_at(x->params, "siteid"));
	if (json_str_at(x->params, "sid").n > 0)
		json_object_set(json_own_object(x->imp, "ext"), "sid", json_object_get(x->params, "sid"));
	set_banner_size(x->imp);
	return ORTB_KEEP;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static json_t *joined(struct site_ids *sites)
{
	struct buf b;
	json_t *text;

	qsort(sites->at, sites->n, sizeof *sites->at, by_text);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sites->n; i++) {
		if (i > 0)
			buf_add_z(&b, ", ");
		buf_add_str(&b, sites->at[i]);
	}
	text = json_new_str(buf_str(&b));
	buf_deinit(&b);
	return text;
}

static void set_publisher(json_t *body, const char *where, const struct site_ids *sites)
{
	if (!json_object_get(body, where))
		return;
	if (sites->n == 1)
		ortb_publisher_id(body, where, sites->at[0]);
	else
		(void)json_own_object(json_own_object(body, where), "publisher");
}

static const struct typed_field ext_fields[] = {
	FIELD("prebid", "Prebid", RAW),
	FIELD("schain", "SChain", RAW),
	FIELD("ixdiag", "IxDiag", RAW),
};
static const struct typed_struct ext_struct = { "ix.ixRequestExt", ext_fields, ARRAY_LEN(ext_fields) };

/* The server's version without what follows its first dash. */
static struct str short_version(const struct adapter_host *host)
{
	struct str version = str_of(host->version), head = str_cut(&version, '-');

	return head.n > 0 ? head : STR("unknown");
}

static void set_diag(const struct adapter_request *r, json_t *diag, const json_t *prebid,
		     struct site_ids *sites)
{
	const json_t *channel = json_object_get(prebid, "channel");

	if (channel)
		json_set_str(diag, "pbjsv", json_str_at(channel, "version"));
	json_set_str(diag, "pbsv", short_version(r->bidder->host));
	json_set_str(diag, "pbsp", STR("go"));
	if (sites->n > 1)
		json_object_set_new(diag, "multipleSiteIds", joined(sites));
}

/* request.ext is built anew; one that does not decode is left alone. */
static bool set_ext(const struct adapter_request *r, json_t *body, struct site_ids *sites,
		    struct errtext *why)
{
	json_t *in = json_object_get(body, "ext"), *prebid, *schain, *diag, *ext;

	in = ortb_typed(r->arena, in ? in : json_null(), &ext_struct, why);
	if (!in)
		return false;
	prebid = json_object_get(in, "prebid");
	if (prebid && !json_is_null(prebid)) {
		prebid = ortb_typed(r->arena, prebid, &ext_request_prebid, why);
		if (!prebid)
			return false;
	}
	schain = json_object_get(in, "schain");
	if (schain && !json_is_null(schain)) {
		schain = ortb_typed(r->arena, schain, ortb_struct(ORTB_SUPPLY_CHAIN), why);
		if (!schain)
			return false;
	}
	diag = json_object_get(in, "ixdiag");
	if (diag && !ortb_is_map(diag, why))
		return false;
	diag = json_is_object(diag) ? json_copy(diag) : json_object();
	set_diag(r, diag, prebid, sites);
	ext = json_pack("{s:o}", "ixdiag", diag);
	if (json_is_object(prebid))
		json_object_set(ext, "prebid", prebid);
	if (json_is_object(schain))
		json_object_set(ext, "schain", schain);
	ortb_ext_request_defaults(ext);
	json_object_set_new(body, "ext", ext);
	return true;
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	json_t *all = arena_own_json(r->arena, json_incref(json_object_get(r->root, "imp"))), *kept, *body;
	struct site_ids *sites = ARENA_NEW(r->arena, struct site_ids);
	struct errtext why;

	sites->at = ARENA_ARRAY(r->arena, struct str, json_array_size(all));
	r->scratch = sites;
	(void)ortb_visit_imps(r, &out->errors);
	kept = json_incref(json_object_get(r->root, "imp"));
	json_object_set(r->root, "imp", all); /* replies are matched against imps that were dropped, too */
	body = ortb_body(r, kept);
	set_publisher(body, "site", sites);
	set_publisher(body, "app", sites);
	if (!set_ext(r, body, sites, &why))
		adapter_error(&out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	if (json_array_size(kept) > 0)
		ortb_headers(r->arena, adapter_call_add(r, out, str_of(r->bidder->endpoint), body),
			     ORTB_HEADERS_JSON);
}

/* Replies ------------------------------------------------------------------------------------------ */

static const struct typed_field bid_ext_fields[] = { PART("prebid", "Prebid", ortb_ext_bid_prebid, false) };
static const struct typed_struct bid_ext = { "openrtb_ext.ExtBid", bid_ext_fields, 1 };

/* False, with the text, when the bid names no type and no imp. */
static bool find_type(const struct ortb_bid *x, const json_t *ext, enum media *ret_media, struct errtext *why)
{
	static const enum media order[] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_NATIVE, MEDIA_AUDIO,
					    MEDIA_NONE };
	struct str said = json_str_at(ext, "prebid.type"), impid = json_str_at(x->bid, "impid");
	enum media media = media_of_mtype(json_int_at(x->bid, "mtype", 0));

	if (media == MEDIA_NONE && said.n > 0) {
		media = media_parse(said);
		errtext_set(why, "invalid BidType: " STR_FMT, STR_ARG(said));
	} else if (media == MEDIA_NONE) {
		media = ortb_imp_media(ortb_imp_by_id(x->r->root, impid), order);
		errtext_set(why, "unmatched impression id: " STR_FMT, STR_ARG(impid));
	}
	*ret_media = media;
	return media != MEDIA_NONE;
}

static void read_video(struct ortb_bid *x, const json_t *video)
{
	struct str category = json_str_at(video, "primary_category");

	if (!video)
		return;
	x->b->has_video = true;
	x->b->video.duration = json_int_at(video, "duration", 0);
	if (json_array_size(json_object_get(x->bid, "cat")) == 0)
		json_object_set_new(x->bid, "cat", json_pack("[o]", json_new_str(category)));
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	json_t *raw = json_object_get(x->bid, "ext");
	const json_t *ext = raw ? ortb_typed(x->r->arena, raw, &bid_ext, NULL) : NULL;
	struct errtext why;
	enum media media;

	if (!find_type(x, ext, &media, &why)) {
		adapter_error(&x->out->errors, ADAPTER_PLAIN, "%s", why.text);
		return ORTB_DROP;
	}
	x->b->type = str_of(media_name(media));
	if (media == MEDIA_VIDEO)
		read_video(x, json_at(ext, "prebid.video"));
	if (media == MEDIA_NATIVE) {
		struct str adm = json_str_at(x->bid, "adm"), now = ix_native_trackers(x->r->arena, adm);

		if (now.p != adm.p)
			json_set_str(x->bid, "adm", now);
	}
	return ORTB_KEEP;
}

static const struct typed_field config_fields[] = { FIELD("bidId", "BidId", STR),
						    FIELD("config", "Config", RAW) };
static const struct typed_struct config_struct = { "ix.auctionConfig", config_fields,
						   ARRAY_LEN(config_fields) };
static const struct typed_field response_ext_fields[] = {
	PART("protectedAudienceAuctionConfigs", "AuctionConfig", config_struct, true),
};
static const struct typed_struct response_ext = { "ix.ixRespExt", response_ext_fields, 1 };

static void read_configs(const struct adapter_request *r, const json_t *response, struct adapter_bids *out)
{
	json_t *raw = json_object_get(response, "ext");
	const json_t *ext, *list;
	struct errtext why;

	if (!raw)
		return;
	ext = ortb_typed(r->arena, raw, &response_ext, &why);
	if (!ext) {
		struct adapter_errors errors = out->errors;

		adapter_bids_init(out, r->arena); /* the whole response goes */
		out->errors = errors;
		adapter_error(&out->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return;
	}
	list = json_object_get(ext, "protectedAudienceAuctionConfigs");
	if (!list)
		return;
	out->configs = arena_own_json(r->arena, json_array());
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i), *config = json_object_get(one, "config");

		if (config)
			json_array_append_new(out->configs, json_pack("{s:o, s:O}", "impid",
								      json_new_str(json_str_at(one, "bidId")),
								      "config", config));
	}
}

static const struct ortb_rules rules = {
	.params = &params,
	.bad_params = ADAPTER_FAILED_TO_UNMARSHAL,
	.each_imp = rewrite_imp,
	.currency = ORTB_CURRENCY_VERBATIM,
	.bad_body = ADAPTER_BAD_SERVER_RESPONSE,
	.bad_body_prefix = "JSON parsing error: ",
	.each_bid = read_bid,
	.response = read_configs,
};

const struct adapter adapter_ix = {
	.name = "ix",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
};
