#include "pbs/exchange/creative_checks.h"

#include "common/json.h"
#include "common/mem.h"

enum { DSA_TEXT_MAX = 100 };
enum dsa_required { DSA_REQUIRED = 2, DSA_REQUIRED_PLATFORM = 3 };
enum dsa_render { PUBLISHER_CANNOT = 0, PUBLISHER_WILL = 2, BUYER_WILL = 1 };

bool creative_mode_parse(struct str name, enum creative_mode *ret_mode)
{
	static const char *const names[] = { "skip", "warn", "enforce" };

	int i = name.n ? str_index(name, names, ARRAY_LEN(names)) : CREATIVE_SKIP;

	if (i >= 0)
		*ret_mode = (enum creative_mode)i;
	return i >= 0;
}

/* Why the transparency rules forbid the bid; NULL when they do not. */
static const char *dsa_fault(const json_t *wanted, const json_t *bid)
{
	const json_t *dsa = json_at(bid, "ext.dsa");
	int64_t required = json_int_at(wanted, "dsarequired", 0);
	int64_t publisher = json_int_at(wanted, "pubrender", -1), buyer = json_int_at(dsa, "adrender", -1);

	if (!json_is_object(dsa)) {
		bool missing = required == DSA_REQUIRED || required == DSA_REQUIRED_PLATFORM;

		return missing ? "DSA object missing when required" : NULL;
	}
	if (json_str_at(dsa, "behalf").n > DSA_TEXT_MAX)
		return "DSA behalf exceeds limit of 100 chars";
	if (json_str_at(dsa, "paid").n > DSA_TEXT_MAX)
		return "DSA paid exceeds limit of 100 chars";
	if (publisher < 0 || buyer < 0)
		return NULL;
	if (publisher == PUBLISHER_CANNOT && buyer != BUYER_WILL)
		return "DSA publisher and buyer both signal will not render";
	if (publisher == PUBLISHER_WILL && buyer == BUYER_WILL)
		return "DSA publisher and buyer both signal will render";
	return NULL;
}

static bool is_too_large(const struct bid *b, const struct creative_policy *p)
{
	if (b->type != BID_BANNER)
		return false;
	return (p->max_width > 0 && json_int_at(b->ortb, "w", 0) > p->max_width) ||
	       (p->max_height > 0 && json_int_at(b->ortb, "h", 0) > p->max_height);
}

static bool is_insecure(const struct bid *b)
{
	struct str adm = json_str_at(b->ortb, "adm");

	if (b->type != BID_BANNER && b->type != BID_VIDEO)
		return false;
	return (str_contains(adm, STR("http:")) || str_contains(adm, STR("http%3A"))) &&
	       !str_contains(adm, STR("https:")) && !str_contains(adm, STR("https%3A"));
}

static bool drop(struct bid *b, struct nonbids *nb, enum nonbid code)
{
	bid_drop(b, code);
	nonbid_add_bid(nb, b, code);
	return false;
}

/* What is said of a creative, by whether the rule is enforced. */
struct fault {
	enum nonbid code;
	struct {
		enum creative_finding what;
		const char *text;
	} warned, rejected;
};

static const struct fault too_large = {
	NONBID_CREATIVE_SIZE,
	{ CREATIVE_SIZE_WARNED, "bidResponse creative size warning: size WxH larger than AdUnit sizes" },
	{ CREATIVE_SIZE_REJECTED, "bidResponse rejected: size WxH" },
};
static const struct fault insecure = {
	NONBID_INSECURE,
	{ CREATIVE_INSECURE_WARNED,
	  "bidResponse secure markup warning: insecure creative in secure contexts" },
	{ CREATIVE_INSECURE_REJECTED, "bidResponse rejected: insecure creative in secure context" },
};

/* Whether the bid may stay. */
static bool judge(struct bid *b, const struct creative_policy *p, enum creative_mode mode,
		  const struct fault *f, struct nonbids *nb, struct messages *m)
{
	bool is_enforced = mode == CREATIVE_ENFORCE;

	messages_add(m, MESSAGE_ERROR, b->seat, ERROR_BAD_SERVER_RESPONSE, "%s",
		     is_enforced ? f->rejected.text : f->warned.text);
	if (p->found)
		p->found(p->ctx, b, is_enforced ? f->rejected.what : f->warned.what);
	return is_enforced ? drop(b, nb, f->code) : true;
}

bool creative_check(struct bid *b, const struct creative_policy *p, struct nonbids *nb, struct messages *m)
{
	const char *fault = dsa_fault(p->dsa, b->ortb);

	if (fault) {
		messages_add(m, MESSAGE_WARNING, b->seat, WARN_DSA, "bid rejected: %s", fault);
		return drop(b, nb, NONBID_REJECTED);
	}
	if (p->size != CREATIVE_SKIP && is_too_large(b, p) && !judge(b, p, p->size, &too_large, nb, m))
		return false;
	return p->secure == CREATIVE_SKIP || !is_insecure(b) || judge(b, p, p->secure, &insecure, nb, m);
}

void creative_check_seats(struct seats *seats, const struct creative_policy *policy, struct nonbids *nb,
			  struct messages *m)
{
	for (size_t s = 0; s < seats->n; s++) {
		struct seat *seat = seats->seats[s];

		for (size_t i = 0; i < seat->n_bids; i++)
			creative_check(seat->bids[i], policy, nb, m);
		seat_sweep(seat);
	}
}
