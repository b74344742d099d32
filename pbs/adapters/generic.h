/* The bidder without code: plain OpenRTB to the endpoint of its bidder-info, and what the file says beyond it.
 *
 * With nothing said the request is posted unchanged with JSON headers; a bid's type comes from its mtype, then
 * from its ext.prebid.type, then from its imp (banner, video, native, audio), and is banner when all are
 * silent. The file's `generic` member changes any of it; docs/bidders.md is its description.
 *
 * Errors  generic_build() names the key and what it expects; the bidder is then disabled.
 * Owns    a spec lives as long as its bidder and is never changed; requests copy what they take from it.
 */
#ifndef PBS_ADAPTERS_GENERIC_H
#define PBS_ADAPTERS_GENERIC_H

#include "pbs/adapters/ortb_common.h"

enum { GENERIC_PATH_DEPTH = 8, GENERIC_NAME_MAX = 63 };

enum generic_split { GENERIC_TOGETHER, GENERIC_PER_IMP, GENERIC_PER_MEDIA };
enum generic_as { GENERIC_TEXT, GENERIC_NUMBER, GENERIC_RAW };
enum generic_type { GENERIC_MTYPE, GENERIC_PREBID, GENERIC_IMP, GENERIC_TYPES };

/* A parameter and the place that it goes to: "imp.tagid", or without "imp." in the request. */
struct generic_param {
	const char *name, *to;
	enum generic_as as;
};

struct generic_header {
	const char *name;
	struct str value;
};

struct generic_spec {
	bool seat_from_response; /* the bidder answers for other seats, see alternate codes */
	bool has_macros;         /* the endpoint has {{.Name}}, filled from parameters */
	enum generic_split split;
	struct generic_param *params;
	struct generic_header *headers;
	enum generic_type types[GENERIC_TYPES]; /* in the order in which they are asked */
	size_t n_params, n_headers, n_types;
	enum media default_media; /* MEDIA_NONE: a bid without a type is dropped */
	const json_t *set;        /* path → value; texts in it may have placeholders as endpoints have */
	const json_t *remove;     /* list of paths */
	const json_t *no_bid;     /* list of status codes that mean nothing */
	struct ortb_rules rules;
};

int generic_build(struct bidder *b, struct arena *a, struct errtext *why);
enum ortb_verdict generic_bid(struct ortb_bid *x); /* the hook of spec->rules */

/* Cuts the next {{.Name}} off *rest: returns the text before it and its name, empty when there is none left.
 * False for a placeholder that is malformed. */
bool generic_macro(struct str *rest, struct str *ret_text, struct str *ret_name);

extern const struct adapter adapter_generic;

#endif
