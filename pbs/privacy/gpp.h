/* IAB Global Privacy Platform strings: a header that lists section ids, then one text per section.
 *
 * Shapes  sections 7 and up (US national, states) are decoded into one struct with the union of all fields;
 *         the layout of the section says which of them it has. Sections 2, 5 and 6 are kept as text, for
 *         tcf_parse, tcfca_parse and usp_parse. Sections that are not known are kept as text.
 * Errors  a bad header fails the whole string. A section that cannot be decoded has `error` set and no value;
 *         the others stay usable.
 * Owns    texts are borrowed, the rest is in the arena.
 * Source  IAB Tech Lab, "Global Privacy Platform": header, sections of Dec 2025; texts as Prebid Server's.
 */
#ifndef PBS_PRIVACY_GPP_H
#define PBS_PRIVACY_GPP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/str.h"

enum {
	GPP_MAX_CHARS = 65536,
	GPP_MAX_SECTIONS = 64,
	GPP_MAX_ITEMS = 16, /* of a list field */
};

enum gpp_section_id {
	GPP_TCFEU = 2,
	GPP_TCFCA = 5,
	GPP_USP = 6,
	GPP_USNAT = 7,
	GPP_USCA = 8,
	GPP_US_LAST = 27,
};

/* Every field that a US section may have, with its name in debug output and in the IAB's specification. */
#define GPP_FIELDS(X)                                                                                        \
	X(VERSION, "version", "Version")                                                                     \
	X(MSPA_VERSION, "mspa_version", "MspaVersion")                                                       \
	X(PROCESSING_NOTICE, "processing_notice", "ProcessingNotice")                                        \
	X(SHARING_NOTICE, "sharing_notice", "SharingNotice")                                                 \
	X(SALE_OPT_OUT_NOTICE, "sale_opt_out_notice", "SaleOptOutNotice")                                    \
	X(SHARING_OPT_OUT_NOTICE, "sharing_opt_out_notice", "SharingOptOutNotice")                           \
	X(TARGETED_NOTICE, "targeted_advertising_opt_out_notice", "TargetedAdvertisingOptOutNotice")         \
	X(SENSITIVE_NOTICE, "sensitive_data_processing_opt_out_notice",                                      \
	  "SensitiveDataProcessingOptOutNotice")                                                             \
	X(SENSITIVE_LIMIT_NOTICE, "sensitive_data_limit_use_notice", "SensitiveDataLimitUseNotice")          \
	X(SENSITIVE_OPT_OUT_NOTICE, "sensitive_data_opt_out_notice", "SensitiveDataOptOutNotice")            \
	X(SALE_OPT_OUT, "sale_opt_out", "SaleOptOut")                                                        \
	X(SHARING_OPT_OUT, "sharing_opt_out", "SharingOptOut")                                               \
	X(TARGETED_OPT_OUT, "targeted_advertising_opt_out", "TargetedAdvertisingOptOut")                     \
	X(SENSITIVE, "sensitive_data_processing", "SensitiveDataProcessing")                                 \
	X(CHILD, "known_child_sensitive_data_consents", "KnownChildSensitiveDataConsents")                   \
	X(PERSONAL_DATA, "personal_data_consents", "PersonalDataConsents")                                   \
	X(ADDITIONAL_DATA, "additional_data_processing_consent", "AdditionalDataProcessingConsent")          \
	X(MSPA_COVERED, "mspa_covered_transaction", "MspaCoveredTransaction")                                \
	X(MSPA_OPT_OUT_MODE, "mspa_opt_out_option_mode", "MspaOptOutOptionMode")                             \
	X(MSPA_SERVICE_MODE, "mspa_service_provider_mode", "MspaServiceProviderMode")                        \
	X(MSPA_MODE, "mspa_mode", "MspaMode")                                                                \
	X(GPC, "gpc", "Gpc")

enum gpp_field {
#define X(id, name, spec_name) GPP_##id,
	GPP_FIELDS(X)
#undef X
		GPP_FIELD_COUNT
};

/* 0 not applicable, 1 and 2 as the field says: an opt-out of 1 has opted out, a notice of 2 was not given, a
 * consent of 1 was refused. */
struct gpp_us {
	uint32_t has; /* bit (1 << GPP_…) per field the section has */
	uint8_t value[GPP_FIELD_COUNT][GPP_MAX_ITEMS];
	uint8_t n[GPP_FIELD_COUNT]; /* 1, or the number of items of a list */
};

struct gpp_section {
	unsigned id;
	struct str text;
	const struct gpp_us *us; /* sections 7 and up that could be decoded */
	const char *error;       /* why it could not */
};

struct gpp {
	unsigned version;
	struct gpp_section *sections;
	size_t n;
};

int gpp_parse(struct str text, struct arena *a, struct errtext *why, struct gpp **ret_gpp);

/* A string read once, for all who need it: what could be read, and the first error that makes it invalid. Of the
 * sections, those that the reference decodes (7 to 12) can; a later one that cannot be read has its own error. */
struct gpp_reading {
	const struct gpp *gpp; /* NULL: not even the header could be read, or the string was empty */
	const char *error;     /* NULL: the string is in order */
};
struct gpp_reading gpp_read(struct str text, struct arena *a);

/* NULL when the container has no such section. `g` may be NULL. */
const struct gpp_section *gpp_find(const struct gpp *g, unsigned id);

/* "usnat"; NULL for ids that are not known. */
const char *gpp_section_name(unsigned id);
const char *gpp_field_name(enum gpp_field field);
/* Where precise geolocation stands in the section's list of sensitive data, -1 when it has none. */
int gpp_geo_index(unsigned section_id);
/* Bits of the section's child list that speak of children under 13. */
unsigned gpp_under_13(unsigned section_id);

#endif
