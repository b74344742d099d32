/* The compiled form of a schema, shared by its compiler (schema.c) and its checker (schema_check.c). */
#ifndef PBS_ADAPTERS_SCHEMA_NODE_H
#define PBS_ADAPTERS_SCHEMA_NODE_H

#include <regex.h>

#include "common/arena.h"
#include "common/str.h"
#include "pbs/adapters/schema.h"

enum { SCHEMA_MAX_DEPTH = 16, SCHEMA_MAX_NODES = 2000, SCHEMA_ANY_LENGTH = -1 };

enum schema_type {
	SCHEMA_OBJECT = 1,
	SCHEMA_ARRAY = 2,
	SCHEMA_STRING = 4,
	SCHEMA_NUMBER = 8,
	SCHEMA_INTEGER = 16,
	SCHEMA_BOOLEAN = 32,
	SCHEMA_NULL = 64,
};

struct schema_node;

struct schema_list {
	struct schema_node **at;
	size_t n;
};

struct schema_member { /* of properties, patternProperties or dependencies */
	const char *name;
	regex_t regex;            /* of a patternProperty */
	struct schema_node *node; /* NULL: a dependency on names */
	const char **names;
	size_t n_names;
};

struct schema_bound {
	bool given, exclusive;
	double value;
};

struct schema_node {
	unsigned types;         /* set of enum schema_type; 0: any */
	const char *types_text; /* "string", "[integer,string]" */

	struct schema_member *properties, *patterns, *dependencies;
	size_t n_properties, n_patterns, n_dependencies;
	const char **required;
	size_t n_required;
	bool closed; /* additionalProperties: false */
	struct schema_node *additional;

	struct schema_node *items; /* for every element */
	struct schema_list tuple;  /* or one for each, and for those behind: */
	struct schema_node *more_items;
	bool tuple_closed; /* additionalItems: false */
	bool unique;
	/* SCHEMA_ANY_LENGTH: not bounded */
	json_int_t min_items, max_items, min_length, max_length, min_properties, max_properties;

	struct schema_bound minimum, maximum;
	double multiple_of; /* 0: of nothing */
	const char *pattern;
	regex_t regex; /* when pattern */
	bool (*format)(struct str s);
	const char *format_name;

	const json_t *values; /* enum, or NULL */
	const char *values_text;

	struct schema_list any_of, one_of, all_of;
	struct schema_node * not ;
};

struct schema {
	struct arena *arena;
	struct schema_node *root;
	size_t n_nodes;
};

/* The checker of a format, NULL for one that is unknown and therefore always passes. */
bool (*schema_format(struct str name))(struct str s);

#endif
