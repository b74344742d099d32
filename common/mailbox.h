/* Messages from any thread to the one that turns a loop.
 *
 * Shapes  a message is a node embedded in the poster's object; `run` is called with it on the loop's
 *         thread, in the order of posting.
 * Owns    the object belongs to the receiver from a successful post on: `run` frees it or passes it back.
 *         After mailbox_close() posts are refused and the object stays with the poster.
 * Threads mailbox_post from any; everything else from the loop's thread. Whoever posts must know the
 *         mailbox is not freed meanwhile.
 */
#ifndef COMMON_MAILBOX_H
#define COMMON_MAILBOX_H

#include <stdbool.h>

#include "common/loop.h"

struct mailbox;

struct mailbox_msg {
	void (*run)(struct mailbox_msg *m);
	struct mailbox_msg *next;
};

struct mailbox *mailbox_new(struct loop *loop); /* NULL when out of descriptors */
bool mailbox_post(struct mailbox *mb, struct mailbox_msg *m, void (*run)(struct mailbox_msg *))
	__attribute__((warn_unused_result));
void mailbox_close(struct mailbox *mb); /* runs what was posted; idempotent */
void mailbox_free(struct mailbox *mb);  /* closes first */

#endif
