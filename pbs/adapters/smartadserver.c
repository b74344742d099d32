/* Smart AdServer, by its newer name Equativ, has two hosts: one imp that is guaranteed moves all to the other.
 *
 * Source  fact sheet "smartadserver" of the reference's adapters.
 */
#include "common/mem.h"
#include "pbs/adapters/bidders.h"
#include "pbs/adapters/ortb_common.h"
#include "pbs/adapters/ortb_text.h"

static const char GUARANTEED_URI[] = "https://prebid-global.smartadserver.com/ortb";

#define FIELD(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)

static const struct typed_field param_fields[] = {
	FIELD("siteId", "SiteID", INT),
	FIELD("pageId", "PageID", INT),
	FIELD("formatId", "FormatID", INT),
	FIELD("networkId", "NetworkID", INT),
	FIELD("programmaticGuaranteed", "ProgrammaticGuaranteed", BOOL),
};
static const struct typed_struct params = { "openrtb_ext.ExtImpSmartadserverIn", param_fields,
					    ARRAY_LEN(param_fields) };

/* What request() must know of the imps that were kept. */
struct placement {
	struct placement *next;
	json_t *imp;
	const json_t *params;
};
struct placements {
	struct placement *first, **tail;
	bool guaranteed;
};

static enum ortb_verdict visit_imp(struct ortb_imp *x)
{
	struct placements *all = x->r->scratch;
	struct arena *a = x->r->arena;
	struct placement *one;
	const json_t *wrapper = ortb_typed(a, json_object_get(x->imp, "ext"), &ortb_ext_imp_bidder, NULL), *p;

	if (!wrapper) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "Error parsing bidderExt object");
		return ORTB_DROP;
	}
	p = ortb_typed(a, json_object_get(wrapper, "bidder"), &params, NULL);
	if (!p) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "Error parsing smartadserverExt parameters");
		return ORTB_DROP;
	}
	one = ARENA_NEW(a, struct placement);
	one->imp = x->imp;
	one->params = p;
	*all->tail = one;
	all->tail = &one->next;
	all->guaranteed |= json_bool_at(p, "programmaticGuaranteed", false);
	ortb_publisher_id(x->r->root, "site",
			  str_of(arena_printf(a, "%lld", (long long)json_int_at(p, "networkId", 0))));
	return ORTB_KEEP;
}

static void set_imp_ext(json_t *imp, const char *key, const json_t *p)
{
	static const char *const names[] = { "siteId", "pageId", "formatId", "networkId" };
	json_t *ext = json_own_object(imp, "ext"), *ids = json_object();

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_set_int(ids, names[i], json_int_at(p, names[i], 0));
	json_object_del(ext, "bidder");
	json_object_set_new(ext, key, ids);
}

static void make_requests(struct adapter_request *r, struct adapter_calls *out)
{
	struct placements all = { .tail = &all.first };
	const char *uri = r->bidder->state;

	if (json_array_size(json_object_get(r->root, "imp")) == 0) {
		adapter_error(&out->errors, ADAPTER_BAD_INPUT, "No impression in the bid request");
		return;
	}
	r->scratch = &all;
	ortb_visit_imps(r, &out->errors);
	r->scratch = NULL;
	if (!all.first)
		return;
	for (struct placement *one = all.first; one; one = one->next)
		set_imp_ext(one->imp, all.guaranteed ? "smartadserver" : "bidder", one->params);
	if (all.guaranteed)
		uri = GUARANTEED_URI;
	if (uri)
		ortb_headers(r->arena, adapter_call_add(r, out, str_of(uri), r->root), ORTB_HEADERS_JSON);
	else
		adapter_error(&out->errors, ADAPTER_BAD_INPUT, "Malformed URL: %s.", r->bidder->endpoint);
}

/* "scheme://host/path" with api/bid below its path; the state stays NULL when there is no scheme or host. */
static int build(struct bidder *b, struct arena *a, struct errtext *why)
{
	struct str rest = str_of(b->endpoint), scheme = str_cut(&rest, ':'), host;
	struct buf path;

	(void)why; /* requests report it: the host's mistake is the bidder's error there */
	if (scheme.n == 0 || !rest.p || !str_starts(rest, STR("//")))
		return 0;
	rest = (struct str){ rest.p + 2, rest.n - 2 };
	rest = str_cut(&rest, '#');
	rest = str_cut(&rest, '?');
	host = str_cut(&rest, '/');
	if (host.n == 0)
		return 0;
	buf_init(&path, 2 * strlen(b->endpoint) + 16);
	while (rest.p) {
		struct str part = str_cut(&rest, '/');

		if (part.n > 0) {
			buf_add_c(&path, '/');
			buf_add_str(&path, part);
		}
	}
	b->state = arena_printf(a, STR_FMT "://" STR_FMT STR_FMT "/api/bid?callerId=5", STR_ARG(scheme),
				STR_ARG(host), STR_ARG(buf_str(&path)));
	buf_deinit(&path);
	return 0;
}

static enum ortb_verdict read_bid(struct ortb_bid *x)
{
	enum media media = media_of_mtype(json_int_at(x->bid, "mtype", 0));

	x->b->type = str_of(media_name(media == MEDIA_NONE ? MEDIA_BANNER : media));
	return ORTB_KEEP;
}

static const struct ortb_rules rules = {
	.each_imp = visit_imp,
	.currency = ORTB_CURRENCY_USD,
	.each_bid = read_bid,
};

const struct adapter adapter_smartadserver = {
	.name = "smartadserver",
	.rules = &rules,
	.make_requests = make_requests,
	.parse_bids = ortb_parse_bids,
	.build = build,
};
