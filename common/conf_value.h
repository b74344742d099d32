/* One configuration value: from text or YAML into a field, from a field back to YAML. conf_expand() also serves files
 * that may name variables. */
#ifndef COMMON_CONF_VALUE_H
#define COMMON_CONF_VALUE_H

#include "common/conf.h"
#include "common/str.h"

/* Stores into the field of `key` in `values`; `why` receives what is wrong, without the key's name. What the
 * field held is freed first. */
int conf_value_from_text(const struct conf_key *key, void *values, struct str text, struct errtext *why);
/* `expanded`: the text came out of ${…}, so "8000" is a number as well. */
int conf_value_from_json(const struct conf_key *key, void *values, const json_t *j, bool expanded,
			 struct errtext *why);
void conf_value_free(const struct conf_key *key, void *values);
void conf_value_copy(const struct conf_key *key, void *to, const void *from);
bool conf_value_same(const struct conf_key *key, const void *a, const void *b);
bool conf_value_is_empty(const struct conf_key *key, const void *values);
/* YAML on one line; secrets are masked unless they are empty. */
void conf_value_write(const struct conf_key *key, const void *values, struct buf *b);

/* ${NAME} and ${NAME:-default}; false and `why` for an unset name or a missing brace. *ret_changed tells
 * whether there was anything to expand. */
bool conf_expand(struct str text, char *const *env, struct buf *out, bool *ret_changed, struct errtext *why);
/* The variable's value, NULL when unset. */
const char *conf_env(char *const *env, struct str name);

#endif
