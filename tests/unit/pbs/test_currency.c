#include "pbs/price/currency.h"

#include <math.h>

#include "common/err.h"
#include "common/json.h"
#include "tests/check.h"

static struct currency_table *table(const char *text)
{
	struct errtext why;
	json_auto_t *j = text ? json_parse(str_of(text), &why) : NULL;

	return currency_table_from_json(j);
}

static void lookup_order(void **state)
{
	static const char spec[] = "{\"USD\":{\"EUR\":0.5,\"GBP\":0.8}}";
	static const struct {
		const char *why, *request, *server;
		bool request_only;
		const char *from, *to;
		double want; /* 0: not found */
		const char *text;
	} rows[] = {
		{ "direct", NULL, spec, false, "USD", "EUR", 0.5, NULL },
		{ "inverse of the opposite entry", NULL, spec, false, "EUR", "USD", 2, NULL },
		{ "through a common base", NULL, spec, false, "EUR", "GBP", 1.6, NULL },
		{ "any case", NULL, spec, false, "eur", "Usd", 2, NULL },
		{ "same code needs no table", NULL, NULL, false, "JPY", "jpy", 1, NULL },
		{ "unknown pair names both, upper case", NULL, spec, false, "gbp", "JPY", 0,
		  "Currency conversion rate not found: 'GBP' => 'JPY'" },
		{ "without server rates only identity works", NULL, NULL, false, "USD", "EUR", 0,
		  "Currency conversion rate not found: 'USD' => 'EUR'" },
		{ "request rates come first", "{\"USD\":{\"EUR\":3}}", spec, false, "USD", "EUR", 3, NULL },
		{ "request rates, inverse, before the server's direct one", "{\"EUR\":{\"USD\":4}}", spec,
		  false, "USD", "EUR", 0.25, NULL },
		{ "server rates when the request has no path", "{\"USD\":{\"JPY\":3}}", spec, false, "USD",
		  "GBP", 0.8, NULL },
		{ "no path across the two tables", "{\"GBP\":{\"JPY\":3}}", spec, false, "USD", "JPY", 0,
		  "Currency conversion rate not found: 'USD' => 'JPY'" },
		{ "request only does not ask the server", "{\"USD\":{\"JPY\":3}}", spec, true, "USD", "EUR",
		  0, "Currency conversion rate not found: 'USD' => 'EUR'" },
		{ "request only without rates", NULL, spec, true, "USD", "EUR", 0, "rates are nil" },
		{ "malformed code", NULL, spec, false, "USDX", "EUR", 0, "currency: tag is not well-formed" },
		{ "digits are malformed", NULL, spec, false, "US1", "EUR", 0,
		  "currency: tag is not well-formed" },
		{ "empty code", NULL, spec, false, "USD", "", 0, "currency: tag is not well-formed" },
		{ "code nobody issued", NULL, spec, false, "USD", "QQQ", 0,
		  "currency: tag is not a recognized currency" },
		{ "zero is no rate", NULL, "{\"USD\":{\"EUR\":0}}", false, "EUR", "USD", 0,
		  "Currency conversion rate not found: 'EUR' => 'USD'" },
		{ "mistyped members are no rates", NULL, "{\"USD\":{\"EUR\":\"1\"},\"GBP\":4}", false, "EUR",
		  "USD", 0, "Currency conversion rate not found: 'EUR' => 'USD'" },
		{ "integers are rates", NULL, "{\"USD\":{\"JPY\":150}}", false, "USD", "JPY", 150, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct currency_table *request = table(rows[i].request), *server = table(rows[i].server);
		struct currency_rates rates = { request, server, rows[i].request_only };
		struct errtext why = { "" };
		double got = 0;
		int rc = currency_rate(&rates, str_of(rows[i].from), str_of(rows[i].to), &got, &why);

		CHECK(rows[i].why, (rc == 0) == (rows[i].want > 0));
		CHECK(rows[i].why, fabs(got - rows[i].want) < 1e-12);
		if (rows[i].text)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].text);
		currency_table_free(request);
		currency_table_free(server);
	}
}

static void files(void **state)
{
	static const struct {
		const char *why, *text;
		size_t want; /* 0: refused */
	} rows[] = {
		{ "plain", "{\"dataAsOf\":\"x\",\"conversions\":{\"USD\":{\"EUR\":0.9,\"USD\":1}}}", 2 },
		{ "codes that are none are left out",
		  "{\"conversions\":{\"USD\":{\"EUR\":1,\"BITS\":2},\"X\":{\"EUR\":1}}}", 1 },
		{ "one currency in two spellings",
		  "{\"conversions\":{\"USD\":{\"EUR\":1},\"usd\":{\"EUR\":2}}}", 1 },
		{ "no conversions", "{\"USD\":{\"EUR\":0.9}}", 0 },
		{ "empty conversions", "{\"conversions\":{}}", 0 },
		{ "conversions of another type", "{\"conversions\":[1]}", 0 },
		{ "not JSON", "<html>", 0 },
		{ "empty", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		struct currency_table *t = currency_table_parse(str_of(rows[i].text), &why);

		CHECK(rows[i].why, currency_table_size(t) == rows[i].want);
		CHECK(rows[i].why, t || why.text[0]);
		currency_table_free(t);
	}
}

static void codes(void **state)
{
	static const struct {
		const char *why, *rates, *text;
	} rows[] = {
		{ "any case", "{\"usd\":{\"Eur\":1}}", NULL },
		{ "base", "{\"FOO\":{\"EUR\":1}}", "currency code FOO is not recognized or malformed" },
		{ "target", "{\"USD\":{\"EURO\":1}}", "currency code EURO is not recognized or malformed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct errtext why = { "" };
		json_auto_t *j = json_parse(str_of(rows[i].rates), &why);
		int rc = currency_check_codes(j, &why);

		CHECK(rows[i].why, (rc == 0) == !rows[i].text);
		if (rows[i].text)
			CHECK_STR(rows[i].why, str_of(why.text), rows[i].text);
	}
	CHECK("first of the list", currency_is_known(STR("ADP")));
	CHECK("last of the list", currency_is_known(STR("zwr")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookup_order),
		cmocka_unit_test(files),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
