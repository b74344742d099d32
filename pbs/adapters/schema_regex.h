/* Regular expressions as schemas have them, on the C library's extended expressions.
 *
 * Shapes  the syntax is RE2's, which JavaScript's of JSON Schema largely is: classes (\d \D \w \W \s \S, in
 *         sets too), escapes (\n \t \x41 \x{41} \Q…\E), groups that do not capture or have a name, lazy
 *         quantifiers, \A \z \b \B, a brace that begins no repetition, (?i) in front. Only whether a text has
 *         a match is asked, never where. Texts are bytes: a character of several bytes may stand outside sets.
 * Errors  false for what is no expression, or is one that is not understood: Unicode classes (\pL), other
 *         flags, look-around; and for one that repeats more than ten thousand steps or nests groups 33 deep.
 * Owns    the caller frees with regfree().
 */
#ifndef PBS_ADAPTERS_SCHEMA_REGEX_H
#define PBS_ADAPTERS_SCHEMA_REGEX_H

#include <regex.h>
#include <stdbool.h>

bool schema_regex(const char *text, regex_t *ret_regex);

#endif
