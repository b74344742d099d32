#include "pbs/exchange/native_markup.h"

#include "common/json.h"
#include "tests/check.h"

static void types(void **state)
{
	static const char request[] =
		"{\"assets\":[{\"id\":1,\"img\":{\"type\":3}},{\"id\":2,\"data\":{\"type\":12}},"
		"{\"id\":3,\"title\":{}},{\"id\":4,\"img\":{}}]}";
	static const struct {
		const char *why, *request, *adm, *want, *message; /* want NULL: as it was */
	} rows[] = {
		{ "both kinds", request,
		  "{\"x\":1,\"assets\":[{\"id\":1,\"img\":{\"url\":\"u\"}},{\"id\":2,\"data\":{\"type\":1}}]"
		  "}",
		  "{\"x\":1,\"assets\":[{\"id\":1,\"img\":{\"url\":\"u\",\"type\":3}},{\"id\":2,\"data\":{"
		  "\"type\":12}}]}",
		  "" },
		{ "titles have no type", request, "{\"assets\":[{\"id\":3,\"title\":{}}]}", NULL, "" },
		{ "no type asked for", request, "{\"assets\":[{\"id\":4,\"img\":{\"type\":1}}]}", NULL, "" },
		{ "image without id", request, "{\"assets\":[{\"img\":{}}]}", NULL,
		  "Response Image asset doesn't have an ID" },
		{ "data without id", request, "{\"assets\":[{\"data\":{}}]}", NULL,
		  "Response Data asset doesn't have an ID" },
		{ "image where a title was asked for", request, "{\"assets\":[{\"id\":3,\"img\":{}}]}", NULL,
		  "Response has an Image asset with ID:3 present that doesn't exist in the request" },
		{ "data where an image was asked for", request, "{\"assets\":[{\"id\":1,\"data\":{}}]}", NULL,
		  "Response has a Data asset with ID:1 present that doesn't exist in the request" },
		{ "unknown id", request, "{\"assets\":[{\"id\":9,\"img\":{}}]}", NULL,
		  "Unable to find asset with ID:9 in the request" },
		{ "one bad asset does not spoil the others", request,
		  "{\"assets\":[{\"id\":9,\"img\":{}},{\"id\":1,\"img\":{}}]}",
		  "{\"assets\":[{\"id\":9,\"img\":{}},{\"id\":1,\"img\":{\"type\":3}}]}",
		  "Unable to find asset with ID:9 in the request" },
		{ "the markup is written anew in any case", request, "{ \"assets\": [ { \"id\": 3 } ] }",
		  "{\"assets\":[{\"id\":3}]}", "" },
		{ "not a native imp", NULL, "{\"assets\":[{\"id\":1,\"img\":{}}]}", NULL,
		  "Could not find native imp" },
		{ "no assets", request, "{\"assets\":[]}", NULL, "" },
		{ "the 1.0 wrapper is not unwrapped", request, "{\"native\":{\"assets\":[{\"img\":{}}]}}",
		  NULL, "" },
		{ "no JSON", request, "<html>", NULL, "" },
		{ "hostile assets", request, "{\"assets\":[1,null,[],{\"img\":7}]}", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new();
		json_t *ortb = arena_own_json(a, json_object()), *imp = arena_own_json(a, json_object());
		struct messages m;
		struct bid *b;

		if (rows[i].request) {
			json_object_set_new(imp, "native", json_object());
			json_set_str(json_object_get(imp, "native"), "request", str_of(rows[i].request));
		}
		json_set_str(ortb, "adm", str_of(rows[i].adm));
		messages_init(&m, a);
		b = bid_new(a, ortb, BID_NATIVE);
		b->bidder = STR("acme");
		native_markup_add_types(b, imp, a, &m);
		CHECK_STR(rows[i].why, json_str_at(b->ortb, "adm"),
			  rows[i].want ? rows[i].want : rows[i].adm);
		CHECK_STR(rows[i].why, json_str_at(ortb, "adm"), rows[i].adm);
		CHECK_STR(rows[i].why, m.buckets ? m.buckets->first->text : STR(""), rows[i].message);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(types) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
