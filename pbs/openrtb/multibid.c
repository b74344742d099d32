#include "pbs/openrtb/multibid.h"

#include "common/buf.h"
#include "common/json.h"
#include "pbs/openrtb/report.h"

enum {
	MIN_BIDS = 1,
	MAX_BIDS = 9,
	MAX_BIDDERS = 1000, /* each costs a look per bidder that is called */
	MAX_ENTRY_TEXT = 4096,
};

/* The entry as warnings show it; the text lives in the messages' arena. */
static struct str entry_text(const json_t *entry, struct messages *m)
{
	const json_t *bidders = json_object_get(entry, "bidders"), *max = json_object_get(entry, "maxbids");
	struct buf b;
	struct str text;

	if (m->n >= MESSAGES_MAX)
		return STR(""); /* nobody will read it, and thousands of names may want it told */
	buf_init(&b, MAX_ENTRY_TEXT);
	buf_addf(&b, "{Bidder:" STR_FMT ", Bidders:[", STR_ARG(json_str_at(entry, "bidder")));
	for (size_t i = 0; i < json_array_size(bidders) && !b.overflow; i++)
		buf_addf(&b, "%s" STR_FMT, i ? " " : "", STR_ARG(json_str(json_array_get(bidders, i))));
	if (json_is_integer(max))
		buf_addf(&b, "], MaxBids:%lld", (long long)json_integer_value(max));
	else
		buf_add_z(&b, "], MaxBids:<nil>");
	buf_addf(&b, ", TargetBidderCodePrefix:" STR_FMT "}",
		 STR_ARG(json_str_at(entry, "targetbiddercodeprefix")));
	text = arena_str(m->arena, buf_str(&b));
	buf_deinit(&b);
	return text;
}

static void clamp_bids(json_t *entry, struct messages *m)
{
	int64_t max = json_int_at(entry, "maxbids", 0);

	if (max < MIN_BIDS) {
		warn(m, WARN_MULTIBID, "invalid maxBids value, using minimum %d limit for " STR_FMT, MIN_BIDS,
		     STR_ARG(entry_text(entry, m)));
		json_set_int(entry, "maxbids", MIN_BIDS);
	} else if (max > MAX_BIDS) {
		warn(m, WARN_MULTIBID, "invalid maxBids value, using maximum %d limit for " STR_FMT, MAX_BIDS,
		     STR_ARG(entry_text(entry, m)));
		json_set_int(entry, "maxbids", MAX_BIDS);
	}
}

/* True when the bidder is seen for the first time. The entry's text is made when it is first needed: a group may have to
 * be told once for each of its names. */
static bool claim(const json_t *entry, struct str *text, struct str bidder, json_t *seen, struct messages *m)
{
	if (json_object_getn(seen, bidder.p, bidder.n)) {
		if (text->n == 0)
			*text = entry_text(entry, m);
		warn(m, WARN_MULTIBID,
		     "multiBid already defined for " STR_FMT ", ignoring this instance " STR_FMT,
		     STR_ARG(bidder), STR_ARG(*text));
		return false;
	}
	if (json_object_size(seen) >= MAX_BIDDERS)
		return false;
	json_object_setn_new_nocheck(seen, bidder.p, bidder.n, json_true());
	return true;
}

static bool keep_one(json_t *entry, json_t *seen, struct messages *m)
{
	struct str text = STR("");

	if (!claim(entry, &text, json_str_at(entry, "bidder"), seen, m))
		return false;
	if (json_object_get(entry, "bidders")) {
		warn(m, WARN_MULTIBID, "ignoring bidders from " STR_FMT, STR_ARG(entry_text(entry, m)));
		json_object_del(entry, "bidders");
	}
	return true;
}

static bool keep_many(json_t *entry, json_t *seen, struct messages *m)
{
	json_t *given = json_object_get(entry, "bidders"), *kept = json_array();
	struct str text = STR("");

	for (size_t i = 0; i < json_array_size(given); i++)
		if (claim(entry, &text, json_str(json_array_get(given, i)), seen, m))
			json_array_append(kept, json_array_get(given, i));
	json_object_set_new_nocheck(entry, "bidders", kept);
	if (json_str_at(entry, "targetbiddercodeprefix").n) {
		warn(m, WARN_MULTIBID, "ignoring targetbiddercodeprefix for " STR_FMT,
		     STR_ARG(entry_text(entry, m)));
		json_object_del(entry, "targetbiddercodeprefix");
	}
	return json_array_size(kept) > 0;
}

static bool keep(json_t *entry, json_t *seen, struct messages *m)
{
	if (!json_is_integer(json_object_get(entry, "maxbids"))) {
		warn(m, WARN_MULTIBID, "maxBids not defined for " STR_FMT, STR_ARG(entry_text(entry, m)));
		return false;
	}
	clamp_bids(entry, m);
	if (json_str_at(entry, "bidder").n)
		return keep_one(entry, seen, m);
	if (json_array_size(json_object_get(entry, "bidders")))
		return keep_many(entry, seen, m);
	warn(m, WARN_MULTIBID, "bidder(s) not specified for " STR_FMT, STR_ARG(entry_text(entry, m)));
	return false;
}

void multibid_normalise(json_t *prebid, struct messages *m)
{
	json_t *list = json_own(prebid, "multibid"), *kept, *seen;

	if (!list)
		return;
	kept = json_array();
	seen = json_object();
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *entry = json_own_element(list, i);

		if (keep(entry, seen, m))
			json_array_append(kept, entry);
	}
	json_decref(seen);
	if (json_array_size(kept)) {
		json_object_set_new_nocheck(prebid, "multibid", kept);
	} else {
		json_decref(kept);
		json_object_del(prebid, "multibid");
	}
}
