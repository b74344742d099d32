#include "pbs/exchange/validate_bid.h"

#include <ctype.h>

#include "common/json.h"
#include "pbs/price/currency.h"

enum { TEXT_MAX = 900 };

/* Both names quoted; what a bidder sent is escaped and bounded. */
static void refuse_seat(struct errtext *why, const char *fmt_before, struct str first, const char *between,
			struct str second)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_add_z(&b, fmt_before);
	json_write_str(&b, first);
	buf_add_z(&b, between);
	json_write_str(&b, second);
	errtext_set(why, STR_FMT, STR_ARG(buf_str(&b)));
	buf_deinit(&b);
}

static const json_t *find_nocase(const json_t *obj, struct str name)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)obj, key, v)
		if (str_eq_nocase(str_of(key), name))
			return v;
	return NULL;
}

static bool is_listed(const json_t *allowed, struct str seat)
{
	size_t i;
	json_t *code;

	if (!json_is_array(allowed))
		return true; /* absent or null: any code */
	if (json_array_size(allowed) == 1 && str_eq(json_str(json_array_get(allowed, 0)), STR("*")))
		return true;
	json_array_foreach (allowed, i, code)
		if (str_eq(json_str(code), seat))
			return true;
	return false;
}

bool validate_bid_seat(const json_t *codes, struct str bidder, struct str seat, struct errtext *why)
{
	const json_t *entry;

	if (seat.n == 0 || str_eq_nocase(bidder, seat))
		return true;
	entry = find_nocase(json_object_get(codes, "bidders"), bidder);
	if (!json_bool_at(codes, "enabled", false) || (entry && !json_bool_at(entry, "enabled", false))) {
		refuse_seat(why, "alternateBidderCodes disabled for ", bidder, ", rejecting bids for ", seat);
		return false;
	}
	if (!entry) {
		refuse_seat(why, "alternateBidderCodes not defined for adapter ", bidder,
			    ", rejecting bids for ", seat);
		return false;
	}
	if (is_listed(json_object_get(entry, "allowedbiddercodes"), seat))
		return true;
	refuse_seat(why, "invalid biddercode ", seat, " sent by adapter ", bidder);
	return false;
}

static bool is_wanted(const json_t *cur, struct str code)
{
	size_t i;
	json_t *want;

	if (json_array_size(cur) == 0)
		return str_eq_nocase(code, STR("USD"));
	json_array_foreach (cur, i, want)
		if (str_eq_nocase(json_str(want), code))
			return true;
	return false;
}

static void refuse_currency(const json_t *cur, struct str code, struct errtext *why)
{
	struct buf b;
	size_t i;
	json_t *want;

	buf_init(&b, TEXT_MAX);
	buf_add_z(&b, "Bid currency is not allowed. Was '");
	for (i = 0; i < code.n; i++)
		buf_add_c(&b, (char)toupper((unsigned char)code.p[i]));
	buf_add_z(&b, "', wants: ['");
	if (json_array_size(cur) == 0)
		buf_add_z(&b, "USD");
	json_array_foreach (cur, i, want) {
		if (i)
			buf_add_z(&b, "', '");
		buf_add_str(&b, json_str(want));
	}
	buf_add_z(&b, "']");
	errtext_set(why, STR_FMT, STR_ARG(buf_str(&b)));
	buf_deinit(&b);
}

bool validate_bid_currency(const json_t *cur, struct str seat_cur, struct errtext *why)
{
	struct str code = seat_cur.n ? seat_cur : STR("USD");
	const struct currency_rates none = { 0 };
	double rate;

	if (!currency_is_known(code)) {
		(void)!currency_rate(&none, code, STR("USD"), &rate, why); /* for its text */
		return false;
	}
	if (is_wanted(cur, code))
		return true;
	refuse_currency(cur, code, why);
	return false;
}

/* What is wrong with the bid: the text behind `Bid "ID" `, or a whole text when the bid has no id to name. */
static const char *find_fault(const struct bid *b, const struct bid_limits *limits)
{
	if (b->impid.n == 0)
		return "missing required field 'impid'";
	if (b->price < 0)
		return "does not contain a positive (or zero if there is a deal) 'price'";
	if (b->price == 0 && b->dealid.n == 0)
		return "does not contain positive 'price' which is required since there is no deal set for "
		       "this bid";
	if (json_str_at(b->ortb, "crid").n == 0)
		return "missing creative ID";
	if (limits && limits->max_price > 0 && b->price > limits->max_price)
		return "is above the highest price this server accepts";
	return NULL;
}

bool validate_bid(struct bid *b, const struct bid_limits *limits, struct messages *m)
{
	bool is_worthless = b->impid.n && (b->price < 0 || (b->price == 0 && b->dealid.n == 0));
	const char *fault;

	if (!json_is_object(b->ortb) || b->id.n == 0) {
		messages_add(m, MESSAGE_ERROR, b->bidder, ERROR_PLAIN, "%s",
			     json_is_object(b->ortb) ? "Bid missing required field 'id'"
						     : "Empty bid object submitted.");
		bid_drop(b, NONBID_REJECTED);
		return false;
	}
	fault = find_fault(b, limits);
	if (!fault)
		return true;
	messages_add(m, is_worthless ? MESSAGE_DEBUG_ERROR : MESSAGE_ERROR, b->bidder, ERROR_PLAIN,
		     "Bid \"" STR_FMT "\" %s", STR_ARG(b->id), fault);
	bid_drop(b, NONBID_REJECTED);
	return false;
}

void validate_bid_sweep_seat(struct seat *seat, const json_t *cur, const struct bid_limits *limits,
			     struct nonbids *nonbids, struct messages *m)
{
	struct errtext why;
	bool cur_ok = validate_bid_currency(cur, seat->cur, &why);

	if (!cur_ok && seat->n_bids)
		messages_add(m, MESSAGE_ERROR, seat->bidder, ERROR_PLAIN, "%s", why.text);
	for (size_t i = 0; i < seat->n_bids; i++) {
		struct bid *b = seat->bids[i];

		if (!cur_ok)
			bid_drop(b, NONBID_REJECTED);
		if (!cur_ok || !validate_bid(b, limits, m))
			nonbid_add_bid(nonbids, b, NONBID_REJECTED);
	}
	seat_sweep(seat);
}
