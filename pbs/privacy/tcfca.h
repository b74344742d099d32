/* The Canadian variant of a TC string: section 5 of a GPP string.
 *
 * Consent is express or implied, vendors come as Range(Fibonacci), or as ranges of 16 bit ids, as the IAB's own
 * libraries wrote them at first. Decoded for support staff; no law behind it is enforced here.
 *
 * Errors  ERR_INPUT for anything malformed, in any segment.
 * Owns    all of it is in the arena.
 * Source  IAB Tech Lab, GPP section "tcfcav1".
 */
#ifndef PBS_PRIVACY_TCFCA_H
#define PBS_PRIVACY_TCFCA_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"
#include "pbs/privacy/bits.h"

struct tcfca_restriction {
	uint8_t purpose, type;
	struct id_set vendors;
};

struct tcfca {
	int64_t created_ms, last_updated_ms;
	uint16_t cmp_id, cmp_version, vendor_list_version;
	uint8_t version, consent_screen, policy_version;
	char consent_language[3];
	bool use_non_standard_texts;
	uint32_t special_features, purposes_express, purposes_implied; /* bit n - 1 stands for n */
	struct id_set vendors_express, vendors_implied;
	struct tcfca_restriction *restrictions;
	size_t n_restrictions;

	bool has_disclosed, has_publisher; /* the segments behind the core */
	struct id_set vendors_disclosed;
	uint32_t publisher_express, publisher_implied;
	uint8_t n_custom_purposes;
	uint64_t custom_express, custom_implied;
};

int tcfca_parse(struct str text, struct arena *a, struct errtext *why, struct tcfca **ret_tcfca);

#endif
