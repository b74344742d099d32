/* Lists of names in settings: bidders, countries, publishers. */
#ifndef PBS_PRIVACY_NAMES_H
#define PBS_PRIVACY_NAMES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/errtext.h"
#include "common/str.h"

struct names {
	struct str *v;
	size_t n;
	bool set; /* the setting was there, if only with an empty list */
};

bool names_has(const struct names *names, struct str name); /* ignores case */

/* Borrows the texts of an array of strings; `what` names the setting in errors. NULL and null leave it unset.
 */
int names_read(const json_t *list, const char *what, struct errtext *why, struct names *ret_names);
void names_deinit(struct names *names);

/* A member of a settings object, whatever its case: account JSON is matched like that. */
json_t *setting_find(const json_t *obj, const char *name);

#endif
