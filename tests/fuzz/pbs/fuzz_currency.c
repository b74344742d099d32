/* A rates file comes from a URL that the operator does not control. */
#include "pbs/price/currency.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errtext why;
	struct currency_table *t = currency_table_parse((struct str){ (const char *)data, size }, &why);
	struct currency_rates rates = { .request = t, .request_only = true };
	double rate = 0;

	if (currency_rate(&rates, STR("EUR"), STR("GBP"), &rate, &why) == 0 && !(rate >= 0))
		__builtin_trap();
	currency_table_free(t);
	return 0;
}
