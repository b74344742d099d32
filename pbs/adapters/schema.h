/* JSON Schema draft 4, as parameter schemas are written: compiled once, validated many times.
 *
 * Shapes  every word of the draft that validates, but `$ref` and `definitions`: a `$ref` is refused. Words that
 *         only describe are ignored. Formats are hostname and uuid; others pass. Patterns are those of
 *         schema_regex.h, searched unanchored.
 * Errors  schema_new gives NULL and names the place in the schema. schema_check collects every violation in
 *         the reference's words, "<field>: <description>" one after the other without a separator.
 * Source  auction specification, "Schema error text"; wording of the gojsonschema library.
 */
#ifndef PBS_ADAPTERS_SCHEMA_H
#define PBS_ADAPTERS_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "common/buf.h"
#include "common/errtext.h"

struct schema;

struct schema *schema_new(const json_t *json, struct errtext *why);
struct schema *schema_free(struct schema *s);

/* True when `value` satisfies the schema; otherwise the violations are appended to `text` (NULL: not asked).
 */
bool schema_check(const struct schema *s, const json_t *value, struct buf *text);

#endif
