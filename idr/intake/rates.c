#include "idr/intake/rates.h"

#include <math.h>

#include "common/err.h"
#include "common/json.h"

static bool is_code(const char *s)
{
	for (size_t i = 0; i < 3; i++)
		if (s[i] < 'A' || s[i] > 'Z')
			return false;
	return s[3] == 0;
}

int rates_parse(const json_t *j, struct rates *ret_r, struct errtext *why)
{
	struct rates r = { .n = 0 };
	const char *code;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)j, code, v) {
		double usd = json_number_value(v);

		if (!is_code(code) || !json_is_number(v) || !(usd > 0) || !isfinite(usd) ||
		    r.n == RATES_MAX) {
			errtext_set(why, "%.16s: not a currency code with its price in USD", code);
			return ERR_INPUT;
		}
		memcpy(r.row[r.n].code, code, 4);
		r.row[r.n++].usd = usd;
	}
	*ret_r = r;
	return 0;
}

double rates_usd(const struct rates *r, struct str currency)
{
	if (currency.n == 0 || str_eq_nocase(currency, STR("USD")))
		return 1;
	for (size_t i = 0; i < r->n; i++)
		if (str_eq_nocase(currency, str_of(r->row[i].code)))
			return r->row[i].usd;
	return 0;
}
