/* A request body through everything that is done with it before bidders are called. */
#include "pbs/exchange/split.h"
#include "pbs/openrtb/convert.h"
#include "pbs/openrtb/enrich.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/stored_responses.h"

#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bidder_status find(const void *ctx, struct str name, struct str *ret_core)
{
	(void)ctx;
	*ret_core = name;
	return name.n == 1 ? BIDDER_ACTIVE : name.n == 2 ? BIDDER_DISABLED : BIDDER_UNKNOWN;
}

static int check_params(const void *ctx, struct str core, const json_t *params, struct errtext *why)
{
	(void)ctx;
	(void)core;
	errtext_set(why, "(root): not an object");
	return json_is_object(params) ? 0 : ERR_INPUT;
}

static int parse_gpp(const void *ctx, struct str text, struct arena *a, struct gpp_sections *ret,
		     struct errtext *why)
{
	(void)ctx;
	(void)a;
	errtext_set(why, "empty");
	*ret = (struct gpp_sections){ text, text };
	return text.n > 1 ? 0 : ERR_INPUT;
}

static void use(json_t *req, struct arena *a, struct messages *m)
{
	static const struct enrich_http http = { .referer = STR("http://a.example/"),
						 .peer_ip = STR("8.8.8.8") };
	static const struct enrich_rules rules = { .auto_gen_source_tid = true, .tmax_default_ms = 5 };
	static const struct gpp_sections gpp = { STR("T"), STR("U") };
	struct validate_rules vr = { .find_bidder = find,
				     .check_params = check_params,
				     .parse_gpp = parse_gpp };
	struct bidder_names names = { find, NULL, NULL };
	struct split_rules sr = { .names = &names };
	struct stored_responses responses;
	struct split_bidder *bidders;
	struct bidder_request *list;
	struct rng rng;
	size_t n;

	rng_seed(&rng, 7);
	vr.tolerant = json_int_at(req, "test", 0) == 1;
	if (ext_decode(req, m) || convert_up(req, m) || enrich(req, &http, &rules, &rng, m) ||
	    stored_responses_collect(req, a, m, &responses) || validate(req, &vr, m))
		return;
	names.aliases = json_at(req, "ext.prebid.aliases");
	n = split_list(req, &names, a, &bidders);
	if (split(req, &sr, bidders, n, a, m, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		split_finish(&list[i], &(struct split_dialect){ 0 }, &gpp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *raw = json_parse((struct str){ (const char *)data, size }, NULL), *typed, *req;
	struct arena *a = arena_new();
	struct messages m;
	struct buf body;

	messages_init(&m, a);
	typed = raw ? ortb_decode(raw, ORTB_BID_REQUEST, NULL, NULL) : NULL;
	if (typed) {
		req = json_copy(typed);
		use(req, a, &m);
		json_decref(req);
	}
	buf_init(&body, 1 << 20);
	report_body(&m, &body);
	buf_deinit(&body);
	json_decref(typed);
	json_decref(raw);
	arena_free(a);
	return 0;
}
