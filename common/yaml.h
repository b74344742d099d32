/* YAML text as a jansson tree, for configuration files.
 *
 * Shapes  mappings become objects (every key is text), sequences arrays. Plain scalars are typed by the core
 * schema: null ~, true false, integers (also 0x, 0o), decimals; everything quoted, and plain text that only
 * looks like a number with a leading zero, stays text; so do yes, no, on and off. `<<` merges. One document
 * per file; an empty one is JSON null. ret_lines (may be NULL) receives an object that maps the dotted path
 * of each node ("a.b[2].c") to its line, for yaml_line().
 * Errors  NULL, with `why` "pbs.yaml line 12: …": malformed text, a repeated key, an alias that would grow
 * the tree beyond YAML_MAX_NODES, nesting beyond YAML_MAX_DEPTH, tags other than the core ones.
 * Owns    the caller owns what is returned, *ret_lines included; no node is shared within a tree.
 */
#ifndef COMMON_YAML_H
#define COMMON_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "common/errtext.h"
#include "common/str.h"

enum { YAML_MAX_DEPTH = 64, YAML_MAX_NODES = 200000 };

json_t *yaml_parse(struct str text, const char *name, struct errtext *why);
json_t *yaml_parse_lines(struct str text, const char *name, json_t **ret_lines, struct errtext *why);
json_t *yaml_parse_file(const char *path, size_t max_bytes, struct errtext *why);
json_t *yaml_parse_file_lines(const char *path, size_t max_bytes, json_t **ret_lines, struct errtext *why);

/* The line of the node at `path`, or of the nearest one around it; 0 when nothing is known. */
unsigned yaml_line(const json_t *lines, const char *path);

/* The value a plain (unquoted) scalar stands for. */
json_t *yaml_scalar(struct str text);

#endif
