/* The events of one POST /analytics, on their way from the worker that read them to the store and the
 * learner.
 *
 * Owns    a batch owns its arena and events. It changes hands with every message: worker → keeper (commits
 * it) → learner (learns and frees it). Nobody else holds on to it. Units   at most BATCH_EVENTS events; a
 * body with more is refused whole.
 */
#ifndef IDR_INTAKE_BATCH_H
#define IDR_INTAKE_BATCH_H

#include <stdatomic.h>

#include "common/arena.h"
#include "common/errtext.h"
#include "common/mailbox.h"
#include "idr/intake/event_parse.h"

enum { BATCH_EVENTS = 10000 };

struct batch {
	struct mailbox_msg msg;
	struct arena *arena;
	struct event *events;
	size_t n, rows; /* rows: bidders of all events */
	unsigned unpriced;
	struct batch *next;
	void *to, *keeper;        /* the receivers' own */
	atomic_size_t *under_way; /* counts rows until the batch is freed; may be NULL */
	size_t under_way_rows;

	/* The first event that was refused; n_bad counts all of them. */
	size_t n_bad, bad_index;
	struct errtext bad;
};

/* Reads a body: one event, an array of them, or one per line (`lines`: the content type says so; otherwise a
 * body that is no JSON but whose lines are). Good events are kept beside bad ones. ERR_INPUT with `why` when
 * the body itself cannot be read, ERR_LIMIT for too many events. */
int batch_parse(struct str body, bool lines, const struct event_limits *lim, struct batch **ret_b,
		struct errtext *why);
struct batch *batch_free(struct batch *b);

#endif
