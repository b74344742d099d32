/* One group of floor rules: checked, indexed, and asked for the floor of an imp.
 *
 * Shapes  a rule key has one part per schema field ("banner|300x250"); "*" matches anything. The most
 * specific rule wins: fewest wildcards, and among those the one whose wildcards are further right. Owns    an
 * indexed group lives in the arena it was made in and borrows the json tree. Threads immutable once made.
 * Source  Prebid's floors schema. Rules are sorted and their wildcard patterns collected once, so a lookup
 * costs one binary search per pattern in use; the reference builds 2^fields keys for every imp.
 */
#ifndef PBS_PRICE_FLOORS_RULES_H
#define PBS_PRICE_FLOORS_RULES_H

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"

enum { FLOORS_FIELDS_MAX = 16 };

enum floor_field {
	FLOOR_MEDIA_TYPE,
	FLOOR_SIZE,
	FLOOR_DOMAIN,
	FLOOR_SITE_DOMAIN,
	FLOOR_PUB_DOMAIN,
	FLOOR_BUNDLE,
	FLOOR_CHANNEL,
	FLOOR_GPT_SLOT,
	FLOOR_AD_UNIT_CODE,
	FLOOR_COUNTRY,
	FLOOR_DEVICE_TYPE,
	FLOOR_FIELDS,
};

struct floor_rule {
	struct str key; /* lower case */
	double value;
};

struct floor_group {
	const json_t *json;
	enum floor_field fields[FLOORS_FIELDS_MAX];
	size_t n_fields;
	struct str delimiter;
	struct floor_rule *rules; /* sorted by key */
	size_t n_rules;
	const struct str *bad_keys; /* rules with the wrong number of parts */
	size_t n_bad_keys;
	const uint32_t *masks; /* wildcard patterns in use, in order of precedence; leftmost field is the
				  highest bit */
	size_t n_masks;
	double fallback; /* "default", 0: none */
};

/* Members of floors data are found in any case: providers write modelGroups and modelgroups. */
json_t *floors_get(const json_t *obj, const char *key);

struct floors_limits {
	size_t max_rules, max_dims; /* 0: no limit */
};

/* Whether a model group may be used; ERR_INPUT and the exact text. */
int floors_check_group(const json_t *group, const struct floors_limits *limits, struct errtext *why)
	__attribute__((warn_unused_result));

/* Of a group that passed the check. */
struct floor_group *floors_index_group(const json_t *group, struct arena *a);

/* The text for a bad key: Invalid Floor Rule = 'k' for Schema Fields = '[a b]'. */
const char *floors_bad_key_text(const struct floor_group *g, struct str key, struct arena *a);

/* Lower-case values of all fields that do not depend on an imp; "*" where unknown. */
struct floor_facts {
	struct str values[FLOOR_FIELDS];
};
void floors_request_facts(const json_t *request, struct arena *a, struct floor_facts *ret_facts);
/* Adds what an imp says. */
void floors_imp_facts(const json_t *imp, struct arena *a, struct floor_facts *facts);

/* The rule that matches best, NULL when none does. */
const struct floor_rule *floors_match(const struct floor_group *g, const struct floor_facts *facts,
				      struct arena *a);

double floors_round(double v); /* four decimals */

#endif
