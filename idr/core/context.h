/* What the router knows about an auction before it calls anybody.
 *
 * A context can be read from a request (/route) and from an event (/analytics); the same auction gives the
 * same context either way, because what is decided on one side is learned on the other. Where only one of the
 * two tells a field (site, ad unit, region) the rows that need it simply stay unused.
 *
 * Shapes  names are kept as 64-bit hashes, 0 = not told. Country is two letters packed, 0 = unknown.
 * Units   floor_usd is a CPM in US dollars, 0 = none. When `floor_cur` is not USD the caller converts it.
 */
#ifndef IDR_CORE_CONTEXT_H
#define IDR_CORE_CONTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum device { DEVICE_UNKNOWN, DEVICE_DESKTOP, DEVICE_MOBILE, DEVICE_TABLET, DEVICE_CTV, DEVICE_KINDS };
enum ad_format { FORMAT_BANNER, FORMAT_VIDEO, FORMAT_NATIVE, FORMAT_AUDIO, FORMAT_MULTI, FORMATS };
enum position { POSITION_UNKNOWN, POSITION_ABOVE, POSITION_BELOW, POSITION_OTHER };
enum os { OS_UNKNOWN, OS_IOS, OS_ANDROID, OS_WINDOWS, OS_MACOS, OS_LINUX, OS_CHROMEOS, OS_TV, OS_OTHER };
enum browser {
	BROWSER_UNKNOWN,
	BROWSER_CHROME,
	BROWSER_SAFARI,
	BROWSER_FIREFOX,
	BROWSER_EDGE,
	BROWSER_SAMSUNG,
	BROWSER_OPERA,
	BROWSER_APP,
	BROWSER_OTHER
};

struct context {
	uint64_t publisher, site, unit, region;
	uint16_t country;
	uint16_t width, height; /* 0 for native and audio */
	uint16_t timeout_ms;    /* 0 = not told */
	uint32_t ids;           /* one bit per known id source, see classify_id() */
	uint8_t ids_unknown;    /* further sources, at most 15 */
	uint8_t device, format, position, os, browser;
	uint8_t hour; /* 0..23 UTC */
	float floor_usd;
	char floor_cur[4];
};

/* The request of POST /route: {auction_id, publisher_id, ts, bid_request, …}. `now_ms` stands in for a
 * missing ts. Never fails: what cannot be read stays unknown. */
void classify_request(const json_t *route, int64_t now_ms, struct context *ret_ctx);

/* One event of POST /analytics. */
void classify_event(const json_t *event, int64_t now_ms, struct context *ret_ctx);

/* The hash under which names are kept; never 0 for a name that has bytes. */
uint64_t classify_name(struct str name);
/* "US", "usa" -> the packed pair; 0 when unknown. */
uint16_t classify_country(struct str code);
/* The bit of an id source, by eids[].source ("uidapi.com") or by short name ("uid2"); 0 when unknown. */
uint32_t classify_id(struct str source);
uint8_t classify_device(struct str name);
uint8_t classify_format(struct str name);
const char *classify_format_name(uint8_t format);
const char *classify_device_name(uint8_t device);

#endif
