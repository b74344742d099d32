/* The four kinds of ad that an imp can ask for and a bid can be.
 *
 * A set of kinds is a bit mask; the members of an imp carry the same names as `mediatype` texts.
 */
#ifndef PBS_OPENRTB_MEDIA_H
#define PBS_OPENRTB_MEDIA_H

#include <jansson.h>
#include <stdint.h>

#include "common/str.h"

enum media {
	MEDIA_NONE = 0,
	MEDIA_BANNER = 1,
	MEDIA_VIDEO = 2,
	MEDIA_AUDIO = 4,
	MEDIA_NATIVE = 8,
	MEDIA_ALL = 15,
};
enum { MEDIA_KINDS = 4 };

/* The kinds in the order in which the server looks at an imp: banner, video, audio, native. */
extern const enum media media_order[MEDIA_KINDS];

const char *media_name(enum media m);    /* of one kind; "" for MEDIA_NONE */
enum media media_parse(struct str name); /* MEDIA_NONE for any other text */
enum media media_of_mtype(int64_t mtype);
unsigned media_of_imp(const json_t *imp); /* the set that an imp has */

#endif
