/* Documents on their way between a machine's store and the others: which one is newer, and what the other side lacks.
 * A later time wins; at the same time the greater body does, so that all agree. */
#ifndef IDR_INTAKE_SHARED_DOCS_H
#define IDR_INTAKE_SHARED_DOCS_H

#include "common/errtext.h"
#include "common/str.h"
#include "idr/store/store.h"

struct shared_doc {
	char *field; /* "kind/key" */
	char *body;  /* "" = deleted */
	char *actor;
	int64_t ms;
	struct shared_doc *next;
};

struct shared_doc *shared_doc_new(struct str field, struct str body, struct str actor, int64_t ms);
struct shared_doc *shared_doc_of(const struct store_doc *d);
void shared_docs_free(struct shared_doc *list);
/* The value of the hash. NULL for what is no document. */
char *shared_doc_write(const struct shared_doc *d);
struct shared_doc *shared_doc_parse(struct str field, struct str value);

/* Puts those of `theirs` that are newer into the store, *ret_taken of them, and gives a list of ours that are newer; with
 * `all`, also of those that they do not have. On the keeper's thread. */
int shared_docs_merge(struct store *s, const struct shared_doc *theirs, bool all,
		      struct shared_doc **ret_ours, size_t *ret_taken, bool *ret_settings,
		      struct errtext *why);

#endif
