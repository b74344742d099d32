/* What the model learns of one auction, as bytes: the form in which machines tell each other.
 *
 * Shapes  a version byte, then little-endian fields and counted texts. No names but bidders' codes are in it: auction,
 *         publisher and site are hashes.
 * Errors  reading takes any bytes: what is cut, too long or out of range is refused whole.
 */
#ifndef IDR_INTAKE_EVENT_BYTES_H
#define IDR_INTAKE_EVENT_BYTES_H

#include "common/buf.h"
#include "idr/store/event.h"

struct shared_event {
	struct context ctx;
	uint64_t auction; /* classify_name() of its id */
	int64_t ts_ms;
	size_t n;
	struct outcome outcome[EVENT_BIDDERS]; /* codes borrow from the bytes */
};

void event_bytes_write(const struct event *e, struct buf *b);
bool event_bytes_parse(struct str bytes, struct shared_event *ret_e);

#endif
