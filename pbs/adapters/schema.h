/* JSON Schema draft 4, as much of it as parameter schemas use: compiled once, validated many times.
 *
 * Shapes  type (one or a list), required, properties, additionalProperties (false or a schema), dependencies
 *         (lists of names or schemas), items (one schema or a list), minItems, maxItems, minLength,
 * maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum, pattern, format (hostname and uuid; others
 *         pass), enum, anyOf, oneOf, allOf, not. Words that only describe are ignored; `$ref` is refused.
 *         Patterns are POSIX extended expressions after \d \w \s were spelled out, searched unanchored.
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
