#include "pbs/adapters/bidder_limits.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/typed.h"

enum { MAX_QPS = 1000000 };

#define STRS(key)                                                                                            \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_STR,                    \
		.mark = TYPED_GIVEN, .list = true                                                            \
	}

static const struct typed_field keys[] = { TYPED_FIELD("qps", "qps", TYPED_INT, TYPED_GIVEN),
					   STRS("countries"), STRS("publishers") };
const struct typed_struct bidder_limits_table = { "limits", keys, ARRAY_LEN(keys) };

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool has(const struct str *sorted, size_t n, struct str text)
{
	return n == 0 || bsearch(&text, sorted, n, sizeof *sorted, by_text) != NULL;
}

static bool is_country(struct str code)
{
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] < 'A' || code.p[i] > 'Z')
			return false;
	return code.n == 3;
}

/* An empty list would allow nobody, which `disabled` says better. */
static int read_list(struct arena *a, const json_t *limits, const char *key, struct str **ret_list,
		     size_t *ret_n, struct errtext *why)
{
	const json_t *list = json_object_get(limits, key);

	*ret_n = json_array_size(list);
	*ret_list = ARENA_ARRAY(a, struct str, *ret_n);
	for (size_t i = 0; i < *ret_n; i++)
		(*ret_list)[i] = arena_str(a, json_str(json_array_get(list, i)));
	if (list && *ret_n == 0) {
		errtext_set(why, "limits.%s: expected at least one", key);
		return ERR_INPUT;
	}
	qsort(*ret_list, *ret_n, sizeof **ret_list, by_text);
	return 0;
}

int bidder_limits_read(struct arena *a, const json_t *limits, struct bidder_limits *ret_limits,
		       struct errtext *why)
{
	int64_t qps = json_int_at(limits, "qps", 0);

	if (json_object_get(limits, "qps") && (qps < 1 || qps > MAX_QPS)) {
		errtext_set(why, "limits.qps: %lld is not between 1 and %d", (long long)qps, MAX_QPS);
		return ERR_INPUT;
	}
	ret_limits->qps = (uint32_t)qps;
	if (read_list(a, limits, "countries", &ret_limits->countries, &ret_limits->n_countries, why) < 0 ||
	    read_list(a, limits, "publishers", &ret_limits->publishers, &ret_limits->n_publishers, why) < 0)
		return ERR_INPUT;
	for (size_t i = 0; i < ret_limits->n_countries; i++) {
		if (is_country(ret_limits->countries[i]))
			continue;
		errtext_set(why,
			    "limits.countries: \"" STR_FMT "\" is no country of three letters, such as DEU",
			    STR_ARG(ret_limits->countries[i]));
		return ERR_INPUT;
	}
	return 0;
}

bool bidder_limits_allow_country(const struct bidder_limits *l, struct str country)
{
	return has(l->countries, l->n_countries, country);
}

bool bidder_limits_allow_publisher(const struct bidder_limits *l, struct str id)
{
	return has(l->publishers, l->n_publishers, id);
}
