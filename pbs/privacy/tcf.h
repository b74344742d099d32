/* IAB Transparency and Consent strings, version 2 (policies 2.0 to 2.3).
 *
 * Shapes  segments are separated by dots. The first is the core; disclosed vendors, allowed vendors and
 *         publisher purposes may follow in any order, the last of a kind counts, unknown kinds are ignored.
 * Units   times are milliseconds since the epoch, in steps of 100.
 * Errors  ERR_INPUT when the core is malformed. A malformed later segment is reported in `segment_error` and
 *         counts as absent: the reference ignores everything behind the core.
 * Owns    all of it is in the arena; nothing points into the text.
 * Source  IAB Tech Lab, "Consent string and vendor list formats v2"; checks and messages as Prebid Server's.
 */
#ifndef PBS_PRIVACY_TCF_H
#define PBS_PRIVACY_TCF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"
#include "pbs/privacy/bits.h"

enum {
	TCF_MAX_CHARS = 65536,
	TCF_PURPOSES = 24,
	TCF_SPECIAL_FEATURES = 12,
};

enum tcf_segment { TCF_CORE = 1 << 0, TCF_DISCLOSED = 1 << 1, TCF_ALLOWED = 1 << 2, TCF_PUBLISHER = 1 << 3 };

/* What a publisher may demand of the vendors in a restriction; 3 is reserved. */
enum tcf_restriction_type { TCF_NOT_ALLOWED = 0, TCF_REQUIRE_CONSENT = 1, TCF_REQUIRE_LI = 2 };

struct tcf_range {
	uint16_t first, last;
};

struct tcf_restriction {
	uint8_t purpose, type;
	uint16_t n;
	const struct tcf_range *ranges;
};

struct tcf {
	int64_t created_ms, last_updated_ms;
	uint16_t cmp_id, cmp_version, vendor_list_version;
	uint8_t consent_screen, policy_version;
	char consent_language[3], publisher_cc[3];
	bool is_service_specific, use_non_standard_texts, purpose_one_treatment;

	/* Bit n - 1 stands for purpose or feature n. */
	uint32_t special_features, purposes_consent, purposes_li;
	struct id_set vendors_consent, vendors_li;
	struct tcf_restriction *restrictions;
	size_t n_restrictions;

	unsigned segments; /* enum tcf_segment bits: which of the following were there */
	struct id_set vendors_disclosed, vendors_allowed;
	uint32_t publisher_consent, publisher_li;
	uint8_t n_custom_purposes;
	uint64_t custom_consent, custom_li;
	const char *segment_error; /* of the first segment that could not be read, else NULL */
};

int tcf_parse(struct str text, struct arena *a, struct errtext *why, struct tcf **ret_tcf);

static inline bool tcf_bit(uint32_t set, unsigned n) /* n from 1 */
{
	return n >= 1 && n <= 32 && (set >> (n - 1) & 1);
}

/* For each purpose 1..24 the set of restriction types (1 << type) that name the vendor. */
void tcf_restrictions_of(const struct tcf *t, uint16_t vendor, uint8_t ret_types[static TCF_PURPOSES + 1]);

#endif
