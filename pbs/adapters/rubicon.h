/* What the parts of the Rubicon adapter share. Private to rubicon*.c.
 *
 * Shapes  a struct rubicon_imp is one imp on its way into a call: `imp` and `body` are its own, `body` shares
 *         the rest with the request until a part is changed.
 * Errors  a part that fails has added its error; the imp is then dropped.
 */
#ifndef PBS_ADAPTERS_RUBICON_H
#define PBS_ADAPTERS_RUBICON_H

#include "pbs/adapters/ortb_common.h"

/* What build() makes of the host's configuration. */
struct rubicon_state {
	struct str uri, login, authorization;
};

struct rubicon_imp {
	struct adapter_request *r;
	struct adapter_errors *errors;
	const struct rubicon_state *state;
	const json_t *ext;    /* imp.ext as it came, decoded */
	const json_t *params; /* ext.bidder */
	json_t *imp, *body;
};

extern const struct typed_struct rubicon_imp_ext; /* imp.ext with the parameters as `bidder` */

/* rubicon_target.c: targeting from first party data ------------------------------------------------- */

/* The attributes of `source` that can be told as lists of texts go into `target`, over what was there. A
 * source that is no object, and not missing or null, fails with the text. */
bool rubicon_add_attributes(json_t *target, const json_t *source, struct errtext *why);
/* The ids of the segments whose taxonomy is one of `taxonomies` (ended by 0), as a new list under "iab";
 * nothing when there are none. */
void rubicon_add_segments(json_t *target, const json_t *data, const int *taxonomies);
/* A new object with the members of `target`; NULL with the text when it is no object. Missing or null is
 * empty. */
json_t *rubicon_target_copy(const json_t *target, struct errtext *why);

/* rubicon_imp.c: the imp ---------------------------------------------------------------------------- */

bool rubicon_set_imp(struct rubicon_imp *x);   /* ext, secure, floor */
bool rubicon_set_media(struct rubicon_imp *x); /* exactly one format */
/* Whether an imp is sent as video: it has no banner, or says all that video needs. */
bool rubicon_is_video(const json_t *imp);

/* rubicon_body.c: the rest of the request ----------------------------------------------------------- */

bool rubicon_set_user(struct rubicon_imp *x);
void rubicon_set_device(struct rubicon_imp *x);
bool rubicon_set_site(struct rubicon_imp *x); /* or app */
bool rubicon_set_rest(struct rubicon_imp *x); /* source, regs, badv, cur, ext */

/* An integer that the publisher may have quoted. */
bool rubicon_id(struct rubicon_imp *x, const char *param, int64_t *ret_id);

#endif
