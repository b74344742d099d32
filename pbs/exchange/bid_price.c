#include "pbs/exchange/bid_price.h"

#include "common/json.h"

static const struct str USD = { "USD", 3 };

int bid_price_target(const struct currency_rates *rates, struct str bid_cur, const json_t *cur,
		     struct str *ret_cur, double *ret_rate, struct errtext *why)
{
	struct str from = bid_cur.n ? bid_cur : USD;
	size_t i;
	json_t *to;
	int rc = 0;

	if (json_array_size(cur) == 0) {
		*ret_cur = USD;
		return currency_rate(rates, from, USD, ret_rate, why);
	}
	json_array_foreach (cur, i, to) {
		rc = currency_rate(rates, from, json_str(to), ret_rate, why);
		if (rc == 0) {
			*ret_cur = json_str(to);
			return 0;
		}
	}
	return rc;
}

void bid_price_apply(struct bid *b, const struct bid_price_rules *rules, struct str bid_cur, struct str cur,
		     double rate, const json_t *imp)
{
	struct str media = adjust_media_key(bid_type_name(b->type), imp);

	b->orig_price = b->price;
	b->orig_cur = bid_cur.n ? bid_cur : USD;
	b->cur = cur;
	/* From left to right, as the reference multiplies: in doubles another order may be another bucket. */
	b->price = b->price * adjust_factor(rules->factors, b->seat, b->bidder) * rate;
	b->price = adjust_apply(rules->rules, media, b->bidder, b->dealid, b->price, cur, rules->rates);
}
