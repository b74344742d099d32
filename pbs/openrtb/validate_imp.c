#include "pbs/openrtb/validate_imp.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/report.h"
#include "pbs/openrtb/validate_native.h"

static int64_t int_of(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_integer(v) ? json_integer_value(v) : 0;
}

static int check_not_negative(const json_t *obj, const char *const *keys, size_t n_keys, size_t index,
			      const char *name, struct messages *m)
{
	for (size_t i = 0; i < n_keys; i++)
		if (int_of(obj, keys[i]) < 0)
			return refuse(m, "request.imp[%zu].%s.%s must be a positive number", index, name,
				      keys[i]);
	return 0;
}

#define FORMAT      "request.imp[%zu].banner.format[%zu]"
#define FORMAT_HINT "Request imp[%zu].banner.format[%zu]"

static int check_format(const json_t *format, size_t index, size_t i, struct messages *m)
{
	static const char *const keys[] = { "w", "h", "wratio", "hratio", "wmin" };
	int64_t v[ARRAY_LEN(keys)];
	bool fixed, flexible;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		v[k] = int_of(format, keys[k]);
		if (v[k] < 0)
			return refuse(m, FORMAT ".%s must be a positive number", index, i, keys[k]);
	}
	fixed = v[0] || v[1];
	flexible = v[2] || v[3] || v[4];
	if (fixed && flexible)
		return refuse(m,
			      FORMAT_HINT
			      " should define *either* {w, h} *or* {wmin, wratio, hratio}, but not "
			      "both. If both are valid, send two \"format\" objects in the request.",
			      index, i);
	if (!fixed && !flexible)
		return refuse(m,
			      FORMAT_HINT
			      " should define *either* {w, h} (for static size requirements) *or* "
			      "{wmin, wratio, hratio} (for flexible sizes) to be non-zero.",
			      index, i);
	if (fixed && (!v[0] || !v[1]))
		return refuse(m, FORMAT_HINT " must define non-zero \"h\" and \"w\" properties.", index, i);
	if (flexible && (!v[2] || !v[3] || !v[4]))
		return refuse(m,
			      FORMAT_HINT
			      " must define non-zero \"wmin\", \"wratio\", and \"hratio\" properties.",
			      index, i);
	return 0;
}

static int check_banner(const json_t *imp, const json_t *banner, size_t index, struct messages *m)
{
	static const char *const sides[] = { "w", "h" };
	static const char *const unsupported[] = { "wmin", "wmax", "hmin", "hmax" };
	const json_t *formats = json_object_get(banner, "format");
	int err = check_not_negative(banner, sides, ARRAY_LEN(sides), index, "banner", m);

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
		if (int_of(banner, unsupported[i]) != 0)
			return refuse(m,
				      "request.imp[%zu].banner uses unsupported property: \"%s\". Use the "
				      "\"format\" array instead.",
				      index, unsupported[i]);
	if (json_array_size(formats) == 0 && int_of(imp, "instl") != 1 &&
	    (int_of(banner, "w") == 0 || int_of(banner, "h") == 0))
		return refuse(m,
			      "request.imp[%zu].banner has no sizes. Define \"w\" and \"h\", or include "
			      "\"format\" elements.",
			      index);
	for (size_t i = 0; i < json_array_size(formats) && !err; i++)
		err = check_format(json_array_get(formats, i), index, i, m);
	return err;
}

static int check_mimes(const json_t *media, size_t index, const char *name, struct messages *m)
{
	if (json_array_size(json_object_get(media, "mimes")) == 0)
		return refuse(m, "request.imp[%zu].%s.mimes must contain at least one supported MIME type",
			      index, name);
	return 0;
}

static int check_video(const json_t *video, size_t index, struct messages *m)
{
	static const char *const keys[] = { "w", "h", "minbitrate", "maxbitrate" };
	int err = check_mimes(video, index, "video", m);

	return err ? err : check_not_negative(video, keys, ARRAY_LEN(keys), index, "video", m);
}

static int check_audio(const json_t *audio, size_t index, struct messages *m)
{
	static const char *const keys[] = { "sequence", "maxseq", "minbitrate", "maxbitrate" };
	int err = check_mimes(audio, index, "audio", m);

	return err ? err : check_not_negative(audio, keys, ARRAY_LEN(keys), index, "audio", m);
}

static int check_media(json_t *imp, size_t index, const struct imp_rules *ir, struct messages *m)
{
	const json_t *banner = json_object_get(imp, "banner"), *video = json_object_get(imp, "video");
	const json_t *audio = json_object_get(imp, "audio"), *native = json_object_get(imp, "native");
	int err = 0;

	if (!banner && !video && !audio && !native)
		return refuse(
			m,
			"request.imp[%zu] must contain at least one of \"banner\", \"video\", \"audio\", "
			"or \"native\"",
			index);
	if (banner)
		err = check_banner(imp, banner, index, m);
	if (!err && video)
		err = check_video(video, index, m);
	if (!err && audio)
		err = check_audio(audio, index, m);
	if (!err && native && !ir->media_only)
		err = validate_native(json_own(imp, "native"), index, m);
	return err;
}

static int check_deals(const json_t *imp, size_t index, struct messages *m)
{
	const json_t *deals = json_at(imp, "pmp.deals");

	for (size_t i = 0; i < json_array_size(deals); i++)
		if (json_str_at(json_array_get(deals, i), "id").n == 0)
			return refuse(m, "request.imp[%zu].pmp.deals[%zu] missing required field: \"id\"",
				      index, i);
	return 0;
}

/* The spelling that `bidders` has of the name; NULL when it has none. */
static const char *find_nocase(json_t *bidders, struct str name, size_t *ret_len)
{
	const char *key;
	json_t *v;

	if (json_object_getn(bidders, name.p, name.n)) {
		*ret_len = name.n;
		return name.p;
	}
	json_object_keylen_foreach(bidders, key, *ret_len, v)
	{
		if (str_eq_nocase((struct str){ key, *ret_len }, name))
			return key;
	}
	return NULL;
}

/* Stored answers stand in for all of the imp's bidders or for none; how often each is named does not matter. */
static int check_stored_bids(const json_t *prebid, json_t *bidders, struct str imp_id,
			     const struct imp_rules *ir, struct messages *m)
{
	const json_t *stored = json_object_get(prebid, "storedbidresponse");
	json_t *covered;
	bool same = true;
	int err = 0;

	if (json_array_size(stored) == 0)
		return 0;
	covered = json_object();
	for (size_t i = 0; i < json_array_size(stored) && same && !err; i++) {
		struct str name = json_str_at(json_array_get(stored, i), "bidder");
		size_t len;
		const char *key;

		if (!bidder_is_known(ir->names, name))
			err = refuse(m, "unrecognized bidder \"" STR_FMT "\"", STR_ARG(name));
		key = find_nocase(bidders, name, &len);
		same = key != NULL;
		if (same)
			json_object_setn_new_nocheck(covered, key, len, json_true());
	}
	same = same && json_object_size(covered) == json_object_size(bidders);
	json_decref(covered);
	if (err || same)
		return err;
	return refuse(m,
		      "request validation failed. Stored bid responses are specified for imp " STR_FMT
		      ". Bidders specified in imp.ext should match with bidders specified in "
		      "imp.ext.prebid.storedbidresponse",
		      STR_ARG(imp_id));
}

struct imp_bidders {
	const struct imp_rules *ir;
	size_t index;
	json_t *ext, *bidders; /* the caller's own */
	bool legacy;           /* the bidders were found beside `prebid` */
	struct messages *m;
};

static void leave_out(const struct imp_bidders *ib, struct str name)
{
	if (ib->ir->rules->left_out)
		ib->ir->rules->left_out(ib->ir->rules->left_out_ctx, ib->index, name);
	json_object_deln(ib->bidders, name.p, name.n);
}

static int check_unknown(const struct imp_bidders *ib, struct str name, json_t *params)
{
	if (!ib->legacy && ib->ir->rules->tolerant) {
		warn(ib->m, WARN_PLAIN,
		     "request.imp[%zu].ext.prebid.bidder contains unknown bidder: " STR_FMT
		     ". Did you forget an alias in request.ext.prebid.aliases?",
		     ib->index, STR_ARG(name));
		leave_out(ib, name);
		return 0;
	}
	if (!ib->legacy)
		return refuse(ib->m,
			      "request.imp[%zu].ext.prebid.bidder contains unknown bidder: " STR_FMT
			      ". Did you forget an alias in request.ext.prebid.aliases?",
			      ib->index, STR_ARG(name));
	warn(ib->m, WARN_PLAIN, "request.imp[%zu].ext contains unknown bidder: '" STR_FMT "', ignoring",
	     ib->index, STR_ARG(name));
	json_object_setn_nocheck(ib->ext, name.p, name.n, params);
	json_object_deln(ib->bidders, name.p, name.n);
	return 0;
}

static int check_bidder_params(const struct imp_bidders *ib, struct str name, struct str core, json_t *params)
{
	const struct validate_rules *rules = ib->ir->rules;
	struct errtext why = { "" };

	if (!rules->check_params || rules->check_params(rules->params_ctx, core, params, &why) == 0)
		return 0;
	if (!rules->tolerant)
		return refuse(ib->m, "request.imp[%zu].ext.prebid.bidder." STR_FMT " failed validation.\n%s",
			      ib->index, STR_ARG(name), why.text);
	warn(ib->m, WARN_PLAIN, "request.imp[%zu].ext.prebid.bidder." STR_FMT " failed validation.\n%s",
	     ib->index, STR_ARG(name), why.text);
	leave_out(ib, name);
	return 0;
}

/* `name` stands in the object that is being changed, so it is used up before its member is removed. */
static int check_bidder(const struct imp_bidders *ib, struct str name, json_t *params)
{
	struct str core = name;
	enum bidder_status status = bidder_resolve(ib->ir->names, name, &core);
	const char *hint = status == BIDDER_UNKNOWN ? bidder_retired_hint(name) : NULL;

	switch (status) {
	case BIDDER_ACTIVE: return check_bidder_params(ib, name, core, params);
	case BIDDER_DISABLED:
		warn(ib->m, ERROR_BIDDER_DISABLED,
		     "Bidder \"" STR_FMT
		     "\" has been disabled on this instance of Prebid Server. Please work with the PBS "
		     "host to enable this bidder again.",
		     STR_ARG(core));
		break;
	case BIDDER_WHITE_LABEL:
		warn(ib->m, ERROR_BIDDER_DISABLED,
		     "Bidder \"" STR_FMT "\" can only be aliased and cannot be used directly.",
		     STR_ARG(core));
		break;
	case BIDDER_UNKNOWN:
		if (!hint)
			return check_unknown(ib, name, params);
		warn(ib->m, ERROR_BIDDER_DISABLED,
		     "Bidder \"" STR_FMT "\" is no longer available in Prebid Server.%s", STR_ARG(name),
		     hint);
		break;
	}
	leave_out(ib, name);
	return 0;
}

static int check_bidders(const struct imp_bidders *ib)
{
	const char *key;
	json_t *v;
	void *next;
	size_t len;
	int err;

	json_object_keylen_foreach_safe(ib->bidders, next, key, len, v)
	{
		err = check_bidder(ib, (struct str){ key, len }, v);
		if (err)
			return err;
	}
	return 0;
}

/* With bidders in their proper place, parameters left in the old one are somebody's forgotten copy; sending
 * them to every bidder would tell each of them what the others are told. */
static void drop_stray_bidders(json_t *ext, const struct bidder_names *names)
{
	struct str core;
	const char *key;
	json_t *v;
	void *next;
	size_t len;

	json_object_keylen_foreach_safe(ext, next, key, len, v)
	{
		struct str name = { key, len };

		if (!bidder_is_reserved(name) && bidder_resolve(names, name, &core) != BIDDER_UNKNOWN)
			json_object_deln(ext, key, len);
	}
}

static int check_ext(json_t *imp, size_t index, const struct imp_rules *ir, struct messages *m)
{
	struct imp_bidders ib = { .ir = ir, .index = index, .m = m };
	json_t *prebid;
	int err;

	ib.ext = json_own(imp, "ext");
	if (!json_is_object(ib.ext))
		return refuse(m, "request.imp[%zu].ext is required", index);
	ib.legacy = bidders_move_legacy(ib.ext);
	if (!ib.legacy)
		drop_stray_bidders(ib.ext, ir->names);
	prebid = json_own(ib.ext, "prebid");
	ib.bidders = json_own(prebid, "bidder");
	if (ir->stored_auction && !json_object_get(prebid, "storedauctionresponse"))
		return refuse(
			m,
			"request validation failed. The StoredAuctionResponse.ID field must be completely "
			"present with, or completely absent from, all impressions in request. No "
			"StoredAuctionResponse data found for request.imp[%zu].ext.prebid \n",
			index);
	err = check_stored_bids(prebid, ib.bidders, json_str_at(imp, "id"), ir, m);
	if (!err)
		err = check_bidders(&ib);
	if (err || json_object_size(ib.bidders))
		return err;
	if (!ir->rules->tolerant)
		return refuse(m, "request.imp[%zu].ext.prebid.bidder must contain at least one bidder",
			      index);
	warn(m, WARN_PLAIN, "request.imp[%zu].ext.prebid.bidder must contain at least one bidder", index);
	return 0;
}

int validate_imp(json_t *imp, size_t index, const struct imp_rules *ir, struct messages *m)
{
	int err;

	if (json_str(json_object_get(imp, "id")).n == 0)
		return refuse(m, "request.imp[%zu] missing required field: \"id\"", index);
	if (json_array_size(json_object_get(imp, "metric")))
		return refuse(m,
			      "request.imp[%zu].metric is not yet supported by prebid-server. Support may be "
			      "added in the future",
			      index);
	err = check_media(imp, index, ir, m);
	if (!err)
		err = check_deals(imp, index, m);
	if (!err && !ir->media_only)
		err = check_ext(imp, index, ir, m);
	return err;
}

/* Remembers under which index each id was seen last; the earlier index is what a duplicate is told about. */
static void check_unique(json_t *seen, const json_t *imp, size_t index, struct messages *m)
{
	struct str id = json_str(json_object_get(imp, "id"));
	const json_t *earlier = json_object_getn(seen, id.p, id.n);

	if (earlier)
		(void)refuse(m,
			     "request.imp[%lld].id and request.imp[%zu].id are both \"" STR_FMT
			     "\". Imp IDs must be unique.",
			     (long long)json_integer_value(earlier), index, STR_ARG(id));
	json_object_setn_new_nocheck(seen, id.p, id.n, json_integer((json_int_t)index));
}

/* In tolerant mode imps may stay without bidders, but not all of them. */
static int check_any_bidder(const json_t *imps, struct messages *m)
{
	for (size_t i = 0; i < json_array_size(imps); i++)
		if (json_object_size(json_at(json_array_get(imps, i), "ext.prebid.bidder")))
			return 0;
	return refuse(m, "request.imp[0].ext.prebid.bidder must contain at least one bidder");
}

int validate_imps(json_t *imps, const struct imp_rules *ir, struct messages *m)
{
	size_t n = json_array_size(imps);
	json_t *seen = n > 1 ? json_object() : NULL;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		json_t *imp = json_own_element(imps, i);

		if (seen)
			check_unique(seen, imp, i, m);
		err = validate_imp(imp, i, ir, m);
	}
	json_decref(seen);
	if (!err && report_is_fatal(m))
		err = ERR_INPUT;
	if (!err && ir->rules->tolerant)
		err = check_any_bidder(imps, m);
	return err;
}
