#include "pbs/adapters/schema.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/adapters/schema_node.h"
#include "pbs/adapters/schema_regex.h"

static const struct {
	const char *name;
	enum schema_type type;
} type_names[] = {
	{ "object", SCHEMA_OBJECT }, { "array", SCHEMA_ARRAY },     { "string", SCHEMA_STRING },
	{ "number", SCHEMA_NUMBER }, { "integer", SCHEMA_INTEGER }, { "boolean", SCHEMA_BOOLEAN },
	{ "null", SCHEMA_NULL },
};

#define NO_EXPRESSION "not a regular expression that is understood here"

struct compiler {
	struct schema *s;
	struct errtext *why;
};

static struct schema_node *compile(struct compiler *c, const json_t *json, int depth);

/* False after naming the key; callers add the path on the way out. */
static bool wrong(struct compiler *c, const char *key, const char *what)
{
	errtext_set(c->why, "%s: %s", key, what);
	return false;
}

static bool read_types(struct compiler *c, const json_t *v, struct schema_node *node)
{
	json_t *list = json_is_array(v) ? json_incref((json_t *)v) : json_pack("[O]", v);
	struct buf text;
	bool ok = json_array_size(list) > 0;

	buf_init(&text, 256);
	for (size_t i = 0; ok && i < json_array_size(list); i++) {
		struct str name = json_str(json_array_get(list, i));
		unsigned type = 0;

		for (size_t t = 0; t < ARRAY_LEN(type_names); t++)
			if (str_eq(name, str_of(type_names[t].name)))
				type = type_names[t].type;
		ok = type != 0;
		node->types |= type;
		buf_add_z(&text, i ? "," : "");
		buf_add_str(&text, name);
	}
	node->types_text = json_array_size(list) > 1 ? arena_printf(c->s->arena, "[%s]", buf_cstr(&text))
						     : arena_strdup(c->s->arena, buf_cstr(&text));
	buf_deinit(&text);
	json_decref(list);
	return ok || wrong(c, "type", "not a type of JSON Schema");
}

static bool read_names(struct compiler *c, const char *key, const json_t *v, const char ***ret_names,
		       size_t *ret_n)
{
	size_t n = json_array_size(v);
	const char **names = ARENA_ARRAY(c->s->arena, const char *, n);

	if (!json_is_array(v))
		return wrong(c, key, "expected an array of names");
	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_array_get(v, i);

		if (!json_is_string(name))
			return wrong(c, key, "expected an array of names");
		names[i] = arena_strdup(c->s->arena, json_string_value(name));
	}
	*ret_names = names;
	*ret_n = n;
	return true;
}

static bool read_list(struct compiler *c, const char *key, const json_t *v, struct schema_list *list,
		      int depth)
{
	size_t n = json_array_size(v);

	if (n == 0)
		return wrong(c, key, "expected a non-empty array of schemas");
	list->at = ARENA_ARRAY(c->s->arena, struct schema_node *, n);
	for (size_t i = 0; i < n; i++) {
		list->at[i] = compile(c, json_array_get(v, i), depth);
		if (!list->at[i]) {
			errtext_prefix(c->why, "%s[%zu].", key, i);
			return false;
		}
	}
	list->n = n;
	return true;
}

static bool read_one(struct compiler *c, const char *key, const json_t *v, struct schema_node **ret_node,
		     int depth)
{
	*ret_node = compile(c, v, depth);
	if (!*ret_node)
		errtext_prefix(c->why, "%s.", key);
	return *ret_node != NULL;
}

static bool read_members(struct compiler *c, const char *key, const json_t *v, bool names_allowed,
			 struct schema_member **ret_members, size_t *ret_n, int depth)
{
	struct schema_member *members = ARENA_ARRAY(c->s->arena, struct schema_member, json_object_size(v));
	const char *name;
	json_t *one;
	size_t n = 0;

	if (!json_is_object(v))
		return wrong(c, key, "expected an object");
	json_object_foreach ((json_t *)v, name, one) {
		struct schema_member *m = &members[n++];
		bool ok;

		m->name = arena_strdup(c->s->arena, name);
		if (names_allowed && json_is_array(one))
			ok = read_names(c, name, one, &m->names, &m->n_names);
		else
			ok = read_one(c, name, one, &m->node, depth);
		if (!ok) {
			errtext_prefix(c->why, "%s.", key);
			return false;
		}
	}
	*ret_members = members;
	*ret_n = n;
	return true;
}

static void drop_regex(void *regex)
{
	regfree(regex);
}

static bool read_pattern(struct compiler *c, const char *text, struct schema_node *node)
{
	if (!schema_regex(text, &node->regex))
		return wrong(c, "pattern", NO_EXPRESSION);
	node->pattern = arena_strdup(c->s->arena, text);
	arena_defer(c->s->arena, drop_regex, &node->regex);
	return true;
}

static bool read_pattern_members(struct compiler *c, const json_t *v, struct schema_node *node, int depth)
{
	if (!read_members(c, "patternProperties", v, false, &node->patterns, &node->n_patterns, depth))
		return false;
	for (size_t i = 0; i < node->n_patterns; i++) {
		struct schema_member *m = &node->patterns[i];

		if (!schema_regex(m->name, &m->regex))
			return wrong(c, "patternProperties", NO_EXPRESSION);
		arena_defer(c->s->arena, drop_regex, &m->regex);
	}
	return true;
}

static bool read_enum(struct compiler *c, const json_t *v, struct schema_node *node)
{
	struct buf text;

	if (json_array_size(v) == 0)
		return wrong(c, "enum", "expected a non-empty array");
	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < json_array_size(v); i++) {
		buf_add_z(&text, i ? ", " : "");
		json_write(&text, json_array_get(v, i));
	}
	node->values = arena_own_json(c->s->arena, json_incref((json_t *)v));
	node->values_text = arena_strdup(c->s->arena, buf_cstr(&text));
	buf_deinit(&text);
	return true;
}

static bool read_count(struct compiler *c, const json_t *json, const char *key, json_int_t *ret_count)
{
	const json_t *v = json_object_get(json, key);

	*ret_count = SCHEMA_ANY_LENGTH;
	if (!v)
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return wrong(c, key, "expected an integer that is not negative");
	*ret_count = json_integer_value(v);
	return true;
}

static bool read_bound(struct compiler *c, const json_t *json, const char *key, const char *exclusive,
		       struct schema_bound *bound)
{
	const json_t *v = json_object_get(json, key);

	if (v && !json_is_number(v))
		return wrong(c, key, "expected a number");
	bound->given = v != NULL;
	bound->value = json_number_value(v);
	bound->exclusive = json_bool_at(json, exclusive, false);
	return true;
}

static bool read_multiple(struct compiler *c, const json_t *json, struct schema_node *node)
{
	const json_t *v = json_object_get(json, "multipleOf");

	node->multiple_of = json_number_value(v);
	return !v || node->multiple_of > 0 || wrong(c, "multipleOf", "expected a number above 0");
}

static bool read_scalars(struct compiler *c, const json_t *json, struct schema_node *node)
{
	const json_t *type = json_object_get(json, "type"), *pattern = json_object_get(json, "pattern");
	const json_t *values = json_object_get(json, "enum"), *format = json_object_get(json, "format");

	if (json_object_get(json, "$ref"))
		return wrong(c, "$ref", "references are not supported");
	if (format) {
		node->format = schema_format(json_str(format));
		node->format_name = arena_strdup(c->s->arena, json_string_value(format));
	}
	if (pattern && !json_is_string(pattern))
		return wrong(c, "pattern", "expected a string");
	node->unique = json_bool_at(json, "uniqueItems", false);
	return (!type || read_types(c, type, node)) && (!values || read_enum(c, values, node)) &&
	       (!pattern || read_pattern(c, json_string_value(pattern), node)) &&
	       read_count(c, json, "minItems", &node->min_items) &&
	       read_count(c, json, "maxItems", &node->max_items) &&
	       read_count(c, json, "minLength", &node->min_length) &&
	       read_count(c, json, "maxLength", &node->max_length) &&
	       read_count(c, json, "minProperties", &node->min_properties) &&
	       read_count(c, json, "maxProperties", &node->max_properties) && read_multiple(c, json, node) &&
	       read_bound(c, json, "minimum", "exclusiveMinimum", &node->minimum) &&
	       read_bound(c, json, "maximum", "exclusiveMaximum", &node->maximum);
}

static bool read_object(struct compiler *c, const json_t *json, struct schema_node *node, int depth)
{
	const json_t *v;

	if ((v = json_object_get(json, "required")) &&
	    !read_names(c, "required", v, &node->required, &node->n_required))
		return false;
	if ((v = json_object_get(json, "properties")) &&
	    !read_members(c, "properties", v, false, &node->properties, &node->n_properties, depth))
		return false;
	if ((v = json_object_get(json, "patternProperties")) && !read_pattern_members(c, v, node, depth))
		return false;
	if ((v = json_object_get(json, "dependencies")) &&
	    !read_members(c, "dependencies", v, true, &node->dependencies, &node->n_dependencies, depth))
		return false;
	v = json_object_get(json, "additionalProperties");
	node->closed = json_is_false(v);
	return !json_is_object(v) || read_one(c, "additionalProperties", v, &node->additional, depth);
}

static bool read_array(struct compiler *c, const json_t *json, struct schema_node *node, int depth)
{
	const json_t *v = json_object_get(json, "items");

	if (json_is_array(v) ? !read_list(c, "items", v, &node->tuple, depth)
			     : v && !read_one(c, "items", v, &node->items, depth))
		return false;
	v = json_object_get(json, "additionalItems");
	node->tuple_closed = json_is_false(v);
	return !json_is_object(v) || read_one(c, "additionalItems", v, &node->more_items, depth);
}

static bool read_combined(struct compiler *c, const json_t *json, struct schema_node *node, int depth)
{
	const json_t *v;

	if ((v = json_object_get(json, "not")) && !read_one(c, "not", v, &node->not, depth))
		return false;
	return (!(v = json_object_get(json, "anyOf")) || read_list(c, "anyOf", v, &node->any_of, depth)) &&
	       (!(v = json_object_get(json, "oneOf")) || read_list(c, "oneOf", v, &node->one_of, depth)) &&
	       (!(v = json_object_get(json, "allOf")) || read_list(c, "allOf", v, &node->all_of, depth));
}

static struct schema_node *compile(struct compiler *c, const json_t *json, int depth)
{
	struct schema_node *node = ARENA_NEW(c->s->arena, struct schema_node);

	if (!json_is_object(json)) {
		errtext_set(c->why, "expected an object");
		return NULL;
	}
	if (depth > SCHEMA_MAX_DEPTH || ++c->s->n_nodes > SCHEMA_MAX_NODES) {
		errtext_set(c->why, "the schema is too large");
		return NULL;
	}
	depth++;
	return read_scalars(c, json, node) && read_object(c, json, node, depth) &&
			       read_array(c, json, node, depth) && read_combined(c, json, node, depth)
		       ? node
		       : NULL;
}

struct schema *schema_new(const json_t *json, struct errtext *why)
{
	struct schema *s = xcalloc(1, sizeof *s);
	struct compiler c = { s, why };

	s->arena = arena_new();
	s->root = compile(&c, json, 0);
	return s->root ? s : schema_free(s);
}

struct schema *schema_free(struct schema *s)
{
	if (s) {
		arena_free(s->arena);
		free(s);
	}
	return NULL;
}
