/* Removes from a request what its receiver must not see.
 *
 * Shapes  requests are in the OpenRTB 2.6 form; ids and eids are removed wherever they stand, old places too.
 * Owns    the top object is the caller's own (json_copy of the shared request); everything below is copied
 *         where it changes and left shared where it does not.
 * Source  Prebid Server's scrubber; clearing `user.eids` is the documented intent that it misses.
 */
#ifndef PBS_PRIVACY_SCRUB_H
#define PBS_PRIVACY_SCRUB_H

#include <jansson.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/str.h"

enum scrub {
	SCRUB_DEVICE_IDS = 1 << 0, /* device.ifa, did*, dpid*, mac*, ext.ifv */
	SCRUB_USER_IDS = 1 << 1,   /* user.id, buyeruid, customdata, yob, gender, buyer ids below user.ext */
	SCRUB_EIDS = 1 << 2,
	SCRUB_UFPD = 1 << 3,    /* user.keywords, kwarray, data, user.ext.data */
	SCRUB_IP = 1 << 4,      /* device.ip and ipv6 lose their low bits */
	SCRUB_GEO = 1 << 5,     /* device.geo and user.geo are rounded to two decimals */
	SCRUB_GEO_ALL = 1 << 6, /* … or emptied */
	SCRUB_TID = 1 << 7,
	SCRUB_US_PRIVACY = 1 << 8, /* a malformed us_privacy, which nobody should act on */
	SCRUB_KINDS = 9,

	/* the sets of the reference */
	SCRUB_SET_UFPD = SCRUB_DEVICE_IDS | SCRUB_USER_IDS | SCRUB_EIDS | SCRUB_UFPD,
	SCRUB_SET_IDS = SCRUB_DEVICE_IDS | SCRUB_USER_IDS | SCRUB_EIDS,
	SCRUB_SET_GEO = SCRUB_GEO | SCRUB_IP,
	SCRUB_SET_OPT_OUT = SCRUB_SET_IDS | SCRUB_SET_GEO,
	SCRUB_SET_CHILD = SCRUB_SET_IDS | SCRUB_IP | SCRUB_GEO_ALL,
};

/* Names one bit, for debug output and metrics: "device_ids", "eids"… */
const char *scrub_name(enum scrub bit);

/* Bidders that share `user` or `device` and lose the same things get the same scrubbed copy, made once. One
 * cache serves one auction; it lives in the arena. */
struct scrub_cache;
struct scrub_cache *scrub_cache_new(struct arena *a);

/* `cache` may be NULL. ipv4_bits and ipv6_bits say how many leading bits of an address stay. */
void scrub_request(json_t *request, unsigned scrub, unsigned ipv4_bits, unsigned ipv6_bits,
		   struct scrub_cache *cache);

/* Text of `ip` with all but the leading bits zeroed; the empty text when it is no address of that family. */
struct str scrub_ip(struct str ip, bool v6, unsigned keep_bits, char ret_text[static 46]);

/* Prebid's rounding: to two decimals, halves away from negative infinity before truncation (-73.98765 gives
 * -73.98). */
double scrub_coordinate(double degrees);

#endif
