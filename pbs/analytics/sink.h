/* Who is told of what has happened: the router, a file, both, nobody.
 *
 * Shapes  a sink embeds struct analytics_sink and gets itself back with container_of. Members of the class that are NULL
 *         mean that the sink does not want to know.
 * Owns    what is told is lent for the call.
 * Threads a sink belongs to one worker, and never holds it up.
 */
#ifndef PBS_ANALYTICS_SINK_H
#define PBS_ANALYTICS_SINK_H

#include <jansson.h>
#include <stdbool.h>

struct auction;
struct activities;
struct analytics_sink;

struct analytics_sink_class {
	const char *name; /* of the component, in the activities of accounts */
	/* An auction that has ended, or was refused. */
	void (*auction)(struct analytics_sink *s, const struct auction *a);
	/* Anything else: an object with the member "type". */
	void (*note)(struct analytics_sink *s, const json_t *note);
	void (*flush)(struct analytics_sink *s); /* shutting down: nothing is to wait any more */
	bool (*is_idle)(const struct analytics_sink *s);
	void (*free)(struct analytics_sink *s);
};

struct analytics_sink {
	const struct analytics_sink_class *cls;
};

enum { ANALYTICS_SINKS_MAX = 2 };

struct analytics_sinks {
	struct analytics_sink *list[ANALYTICS_SINKS_MAX];
	size_t n;
};

void analytics_tell_auction(const struct analytics_sinks *s, const struct auction *a);
/* {"type":type,"Status":status,"Errors":[error]}, for the caller to add to; `error` NULL = none. */
json_t *analytics_note_new(const char *type, int status, const char *error);
bool analytics_wants_notes(const struct analytics_sinks *s); /* false: making one would be in vain */
/* Takes the reference. `activities` are the account's that it concerns; NULL = nobody may object. */
void analytics_tell(const struct analytics_sinks *s, const struct activities *activities, json_t *note);
void analytics_flush_all(const struct analytics_sinks *s);
bool analytics_are_idle(const struct analytics_sinks *s);
void analytics_free_all(struct analytics_sinks *s);

#endif
