/* The wire of sharer.h: what is written into Redis and read from it, one machine's side.
 *
 * Errors   ERR_UNREACHABLE or ERR_UPSTREAM with `why`; the connection is then given up by the caller.
 * Threads  the sharer's own; calls block.
 */
#ifndef IDR_INTAKE_STREAM_H
#define IDR_INTAKE_STREAM_H

#include "common/redis.h"
#include "idr/intake/outbox.h"
#include "idr/intake/shared_batch.h"
#include "idr/intake/shared_docs.h"

struct stream {
	struct redis *redis; /* NULL = not connected */
	char *name, *hash;   /* keys of the stream and of the documents */
	char max_text[12];   /* entries kept */
	char me[24];         /* the machine's name: its own entries are passed over */
	char mark[40];       /* of the hash that we agree with; "" = none yet */
	struct shared_pos pos;
};

void stream_init(struct stream *s, const char *prefix, uint32_t max_entries);
void stream_deinit(struct stream *s);

/* Sends what is in the list and takes off what was acknowledged, so that the rest can be sent by the next connection; at
 * worst one pipeline is learned twice. *ret_sent counts up. */
int stream_send_events(struct stream *s, struct outgoing **list, uint64_t *ret_sent, struct errtext *why);
int stream_send_docs(struct stream *s, struct shared_doc **list, uint64_t *ret_sent, struct errtext *why);

/* Reads on behind `pos`, which moves, into the batch; documents that changed are put before *docs. *ret_refused counts up;
 * batch->last tells whether that was all. */
int stream_read(struct stream *s, struct shared_batch *b, struct shared_doc **docs, uint64_t *ret_refused,
		struct errtext *why);
int stream_read_all_docs(struct stream *s, struct shared_doc **docs, struct errtext *why);
/* *ret_changed: the hash is not the one that we agreed with, so all documents are to be compared. When it was another one
 * before, Redis forgot what it held, and `pos` begins anew. */
int stream_check_mark(struct stream *s, bool *ret_changed, struct errtext *why);

#endif
