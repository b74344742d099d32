/* Typed decoding of JSON objects by table: what a member may be, how it is spelled, when it is left out.
 *
 * The trees keep being jansson's; "decoding" gives the tree that the reference would write after it had read
 * the input into its types: unknown members gone, keys in their listed spelling, null members absent, empty
 * members left out as their mark says.
 *
 * Shapes  a decoded tree shares every subtree that was canonical already. Canonical input comes back as the
 *         very same node with one more reference, so decoding twice, or decoding a shared tree, costs a walk.
 * Errors  `why` gets the reference's words ("cannot unmarshal openrtb2.Bid.Price: invalid number"), `where`
 *         the place in the document ("seatbid[0].bid[2].price: expected a number"). Either may be NULL.
 * Source  https://github.com/prebid/prebid-server, typed OpenRTB objects; depth is bounded by the tables.
 */
#ifndef PBS_OPENRTB_TYPED_H
#define PBS_OPENRTB_TYPED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/errtext.h"
#include "common/str.h"

enum typed_kind {
	TYPED_STR,
	TYPED_INT,
	TYPED_FLOAT,
	TYPED_BOOL,
	TYPED_NUMBER, /* a number, or a string that holds one; kept as it was written */
	TYPED_MAP,    /* an object whose members are not looked at */
	TYPED_RAW,    /* anything; null stays null */
	TYPED_OBJECT, /* `type` says more */
};

enum typed_mark {
	TYPED_NONZERO, /* written when it is not 0, "", false, [] or {} of a map */
	TYPED_GIVEN,   /* written when it was given and not null */
	TYPED_ALWAYS,  /* always written; unset it is 0, "" or, for lists, null */
};

struct typed_struct;

struct typed_field {
	const char *name;                /* the key as it is written */
	const char *label;               /* the reference's name for it, used in error texts */
	const struct typed_struct *type; /* for TYPED_OBJECT */
	uint8_t len;                     /* strlen(name) */
	uint8_t kind, mark;
	bool list;
};

struct typed_struct {
	const char
		*owner; /* "openrtb2.Bid"; NULL: a map read member by member, whose failures name no field */
	const struct typed_field *fields;
	uint32_t n_fields; /* at most 64 */
};

#define TYPED_FIELD(key, label_, kind_, mark_)                                                               \
	{                                                                                                    \
		.name = (key), .label = (label_), .len = sizeof(key) - 1, .kind = (kind_), .mark = (mark_)   \
	}

/* A new reference, or NULL. `in` is never changed. A null `in` decodes as an object without members; NULL is
 * an input without a single byte. */
json_t *typed_decode(json_t *in, const struct typed_struct *type, struct errtext *why, struct errtext *where);

/* The member that typed decoding would take for `name`: the exact key, else one that differs in ASCII case
 * only; NULL when absent or null. Lent. */
json_t *typed_get(const json_t *obj, const char *name);

/* A member that the table does not have, in its exact spelling; NULL when there is none. Lent. */
const char *typed_unknown_key(const json_t *obj, const struct typed_struct *type);

#endif
