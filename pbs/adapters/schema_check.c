/* Checking collects every violation. Where alternatives fail, the violations of the one that came closest are
 * reported after the general one; closeness is the reference's score: one point for each group of checks and
 * each required member that is there, two points off for each violation.
 */
#include <math.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/adapters/schema_node.h"

enum { TEXT_MAX = 64 << 10 };

/* Where in the value: a chain of names and indices back to the root. */
struct place {
	const struct place *up;
	const char *name; /* NULL: `index` */
	size_t index;
};

struct result {
	struct buf text;
	size_t errors;
	int score;
};

static void result_init(struct result *r)
{
	*r = (struct result){ 0 };
	buf_init(&r->text, TEXT_MAX);
}

static void merge(struct result *into, struct result *from)
{
	buf_add_str(&into->text, buf_str(&from->text));
	into->errors += from->errors;
	into->score += from->score;
}

static void add_place(struct buf *b, const struct place *at)
{
	if (at->up->up) {
		add_place(b, at->up);
		buf_add_c(b, '.');
	}
	if (at->name)
		buf_add_z(b, at->name);
	else
		buf_addf(b, "%zu", at->index);
}

static void add_field(struct buf *b, const struct place *at)
{
	if (at->up)
		add_place(b, at);
	else
		buf_add_z(b, "(root)");
}

/* Starts a violation; the caller appends its description. */
static struct buf *violation(struct result *r, const struct place *at)
{
	r->errors++;
	r->score -= 2;
	add_field(&r->text, at);
	buf_add_z(&r->text, ": ");
	return &r->text;
}

static void check(const struct schema_node *node, const json_t *v, const struct place *at, struct result *r);

static void check_any_of(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	struct result best = { .score = 0 };
	bool have_best = false;

	for (size_t i = 0; i < node->any_of.n; i++) {
		struct result one;

		result_init(&one);
		check(node->any_of.at[i], v, at, &one);
		if (one.errors == 0) {
			buf_deinit(&one.text);
			buf_deinit(&best.text);
			return;
		}
		if (!have_best || one.score > best.score) {
			buf_deinit(&best.text);
			best = one;
			have_best = true;
		} else {
			buf_deinit(&one.text);
		}
	}
	buf_add_z(violation(r, at), "Must validate at least one schema (anyOf)");
	merge(r, &best);
	buf_deinit(&best.text);
}

static void check_one_of(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	struct result best = { .score = 0 };
	bool have_best = false;
	size_t n_valid = 0;

	for (size_t i = 0; i < node->one_of.n; i++) {
		struct result one;

		result_init(&one);
		check(node->one_of.at[i], v, at, &one);
		if (one.errors == 0) {
			n_valid++;
		} else if (n_valid == 0 && (!have_best || one.score > best.score)) {
			struct result was = best;

			best = one;
			one = was;
			have_best = true;
		}
		buf_deinit(&one.text);
	}
	if (n_valid != 1) {
		buf_add_z(violation(r, at), "Must validate one and only one schema (oneOf)");
		if (n_valid == 0)
			merge(r, &best);
	}
	buf_deinit(&best.text);
}

static bool fits(const struct schema_node *node, const json_t *v, const struct place *at)
{
	struct result one;
	bool ok;

	result_init(&one);
	check(node, v, at, &one);
	ok = one.errors == 0;
	buf_deinit(&one.text);
	return ok;
}

static void check_dependencies(const struct schema_node *node, const json_t *v, const struct place *at,
			       struct result *r)
{
	for (size_t i = 0; i < node->n_dependencies; i++) {
		const struct schema_member *m = &node->dependencies[i];

		if (!json_object_get(v, m->name))
			continue;
		if (m->node)
			check(m->node, v, at, r);
		for (size_t k = 0; k < m->n_names; k++)
			if (!json_object_get(v, m->names[k]))
				buf_addf(violation(r, at), "Has a dependency on %s", m->names[k]);
	}
}

static void check_combined(const struct schema_node *node, const json_t *v, const struct place *at,
			   struct result *r)
{
	size_t n_valid = 0;

	if (node->any_of.n > 0)
		check_any_of(node, v, at, r);
	if (node->one_of.n > 0)
		check_one_of(node, v, at, r);
	for (size_t i = 0; i < node->all_of.n; i++)
		n_valid += fits(node->all_of.at[i], v, at);
	if (n_valid != node->all_of.n)
		buf_add_z(violation(r, at), "Must validate all the schemas (allOf)");
	if (node->not &&fits(node->not, v, at))
		buf_add_z(violation(r, at), "Must not validate the schema (not)");
	check_dependencies(node, v, at, r);
	r->score++;
}

static void check_common(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	bool found = node->values == NULL;

	for (size_t i = 0; !found && i < json_array_size(node->values); i++)
		found = json_equal(json_array_get(node->values, i), v);
	if (!found) {
		struct buf *b = violation(r, at);

		add_field(b, at);
		buf_addf(b, " must be one of the following: %s", node->values_text);
	}
	if (node->format && json_is_string(v) && !node->format(json_str(v)))
		buf_addf(violation(r, at), "Does not match format '%s'", node->format_name);
	r->score++;
}

static void bound_violated(struct result *r, const struct place *at, const char *what, double bound)
{
	struct buf *b = violation(r, at);

	buf_add_z(b, what);
	json_write_real(b, bound);
}

/* Decimals that are no doubles (0.3 of 0.1) count as what they are written as. */
static bool is_multiple(double d, double of)
{
	return of == 0 || fabs(remainder(d, of)) <= 1e-9 * of;
}

static void check_number(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	double d = json_number_value(v);

	if (json_is_number(v)) {
		const struct schema_bound *max = &node->maximum, *min = &node->minimum;

		if (!is_multiple(d, node->multiple_of))
			bound_violated(r, at, "Must be a multiple of ", node->multiple_of);
		if (max->given && !max->exclusive && d > max->value)
			bound_violated(r, at, "Must be less than or equal to ", max->value);
		if (max->given && max->exclusive && d >= max->value)
			bound_violated(r, at, "Must be less than ", max->value);
		if (min->given && !min->exclusive && d < min->value)
			bound_violated(r, at, "Must be greater than or equal to ", min->value);
		if (min->given && min->exclusive && d <= min->value)
			bound_violated(r, at, "Must be greater than ", min->value);
	}
	r->score++;
}

static json_int_t count_characters(struct str s)
{
	json_int_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static void check_string(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	if (json_is_string(v)) {
		json_int_t n = count_characters(json_str(v));

		if (node->min_length != SCHEMA_ANY_LENGTH && n < node->min_length)
			buf_addf(violation(r, at), "String length must be greater than or equal to %lld",
				 (long long)node->min_length);
		if (node->max_length != SCHEMA_ANY_LENGTH && n > node->max_length)
			buf_addf(violation(r, at), "String length must be less than or equal to %lld",
				 (long long)node->max_length);
		if (node->pattern && regexec(&node->regex, json_string_value(v), 0, NULL, 0) != 0)
			buf_addf(violation(r, at), "Does not match pattern '%s'", node->pattern);
	}
	r->score++;
}

/* The schema of an element, NULL when there is none. */
static const struct schema_node *item_node(const struct schema_node *node, size_t i)
{
	if (node->items)
		return node->items;
	return i < node->tuple.n ? node->tuple.at[i] : node->tuple.n > 0 ? node->more_items : NULL;
}

struct element {
	char *text; /* with sorted keys */
	size_t i;
};

static int by_text(const void *a, const void *b)
{
	const struct element *x = a, *y = b;
	int cmp = strcmp(x->text, y->text);

	return cmp ? cmp : (x->i > y->i) - (x->i < y->i);
}

/* The first element that stood there before. Sorting keeps long lists of strangers cheap. */
static bool find_repeated(const json_t *v, size_t *ret_first, size_t *ret_again)
{
	size_t n = json_array_size(v), again = n;
	struct element *all = xcalloc(n + 1, sizeof *all);

	for (size_t i = 0; i < n; i++)
		all[i] = (struct element){
			json_dumps(json_array_get(v, i), JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_COMPACT), i
		};
	qsort(all, n, sizeof *all, by_text);
	for (size_t i = 1; i < n; i++) {
		if (all[i].i < again && strcmp(all[i].text, all[i - 1].text) == 0) {
			*ret_first = all[i - 1].i;
			again = all[i].i;
		}
	}
	for (size_t i = 0; i < n; i++)
		free(all[i].text);
	free(all);
	*ret_again = again;
	return again < n;
}

static void check_array(const struct schema_node *node, const json_t *v, const struct place *at,
			struct result *r)
{
	json_int_t n = (json_int_t)json_array_size(v);
	size_t first = 0, again = 0;

	for (size_t i = 0; i < json_array_size(v); i++) {
		const struct place below = { .up = at, .index = i };
		const struct schema_node *item = item_node(node, i);

		if (item)
			check(item, json_array_get(v, i), &below, r);
	}
	if (node->tuple_closed && node->tuple.n > 0 && json_array_size(v) > node->tuple.n)
		buf_add_z(violation(r, at), "No additional items allowed on array");
	if (node->min_items != SCHEMA_ANY_LENGTH && n < node->min_items)
		buf_addf(violation(r, at), "Array must have at least %lld items", (long long)node->min_items);
	if (node->max_items != SCHEMA_ANY_LENGTH && n > node->max_items)
		buf_addf(violation(r, at), "Array must have at most %lld items", (long long)node->max_items);
	if (node->unique && find_repeated(v, &first, &again))
		buf_addf(violation(r, at), "array items[%zu,%zu] must be unique", first, again);
	r->score++;
}

static bool has_property(const struct schema_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_properties; i++)
		if (strcmp(node->properties[i].name, name) == 0)
			return true;
	return false;
}

/* Checks the member by every pattern that its name matches; false when there is none. */
static bool check_patterns(const struct schema_node *node, const json_t *member, const struct place *below,
			   struct result *r)
{
	bool any = false;

	for (size_t i = 0; i < node->n_patterns; i++) {
		if (regexec(&node->patterns[i].regex, below->name, 0, NULL, 0) != 0)
			continue;
		check(node->patterns[i].node, member, below, r);
		any = true;
	}
	return any;
}

/* Members that `properties` does not name. */
static void check_others(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	const char *name;
	json_t *member;

	if (!node->closed && !node->additional && node->n_patterns == 0)
		return;
	json_object_foreach ((json_t *)v, name, member) {
		const struct place below = { .up = at, .name = name };

		if (check_patterns(node, member, &below, r) || has_property(node, name))
			continue;
		if (node->closed)
			buf_addf(violation(r, at), "Additional property %s is not allowed", name);
		else if (node->additional)
			check(node->additional, member, &below, r);
	}
}

static void check_object(const struct schema_node *node, const json_t *v, const struct place *at,
			 struct result *r)
{
	json_int_t n = (json_int_t)json_object_size(v);

	if (node->min_properties != SCHEMA_ANY_LENGTH && n < node->min_properties)
		buf_addf(violation(r, at), "Must have at least %lld properties",
			 (long long)node->min_properties);
	if (node->max_properties != SCHEMA_ANY_LENGTH && n > node->max_properties)
		buf_addf(violation(r, at), "Must have at most %lld properties",
			 (long long)node->max_properties);
	for (size_t i = 0; i < node->n_required; i++) {
		if (json_object_get(v, node->required[i]))
			r->score++;
		else
			buf_addf(violation(r, at), "%s is required", node->required[i]);
	}
	check_others(node, v, at, r);
	r->score++;
}

static void check_properties(const struct schema_node *node, const json_t *v, const struct place *at,
			     struct result *r)
{
	for (size_t i = 0; i < node->n_properties; i++) {
		const struct place below = { .up = at, .name = node->properties[i].name };
		const json_t *member = json_object_get(v, below.name);

		if (member)
			check(node->properties[i].node, member, &below, r);
	}
}

static bool is_integral(const json_t *v)
{
	double d = json_number_value(v);

	return json_is_integer(v) || (d >= -1e300 && d <= 1e300 && d == __builtin_trunc(d));
}

/* The type's name as it is told, and the set of types that the value belongs to. */
static const char *given_type(const json_t *v, unsigned *ret_set)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT: *ret_set = SCHEMA_OBJECT; return "object";
	case JSON_ARRAY: *ret_set = SCHEMA_ARRAY; return "array";
	case JSON_STRING: *ret_set = SCHEMA_STRING; return "string";
	case JSON_TRUE:
	case JSON_FALSE: *ret_set = SCHEMA_BOOLEAN; return "boolean";
	case JSON_NULL: *ret_set = SCHEMA_NULL; return "null";
	case JSON_INTEGER:
	case JSON_REAL: break;
	}
	*ret_set = SCHEMA_NUMBER | (is_integral(v) ? SCHEMA_INTEGER : 0u);
	return is_integral(v) ? "integer" : "number";
}

/* Depth is that of the schema, which was bounded when it was compiled. */
static void check(const struct schema_node *node, const json_t *v, const struct place *at, struct result *r)
{
	unsigned set = 0;
	const char *given = given_type(v, &set);

	if (node->types && !(node->types & set)) {
		buf_addf(violation(r, at), "Invalid type. Expected: %s, given: %s", node->types_text, given);
		return;
	}
	check_combined(node, v, at, r);
	if (set == SCHEMA_ARRAY) {
		check_array(node, v, at, r);
		check_common(node, v, at, r);
	} else if (set == SCHEMA_OBJECT) {
		check_object(node, v, at, r);
		check_common(node, v, at, r);
		check_properties(node, v, at, r);
	} else if (set == SCHEMA_NULL) {
		check_common(node, v, at, r);
	} else {
		check_number(node, v, at, r);
		check_common(node, v, at, r);
		check_string(node, v, at, r);
	}
}

bool schema_check(const struct schema *s, const json_t *value, struct buf *text)
{
	const struct place root = { 0 };
	struct result r;

	result_init(&r);
	check(s->root, value, &root, &r);
	if (text)
		buf_add_str(text, buf_str(&r.text));
	buf_deinit(&r.text);
	return r.errors == 0;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hostname(struct str s)
{
	if (s.n == 0 || s.n > 255)
		return false;
	while (s.p) {
		struct str label = str_cut(&s, '.');

		if (label.n == 0 || label.n > 63 || !is_alnum(label.p[0]) || !is_alnum(label.p[label.n - 1]))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alnum(label.p[i]) && label.p[i] != '-')
				return false;
	}
	return true;
}

static bool is_uuid(struct str s)
{
	for (size_t i = 0; i < s.n && i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = s.p[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		if (dash ? c != '-' : !hex)
			return false;
	}
	return s.n == 36;
}

bool (*schema_format(struct str name))(struct str s)
{
	static const struct {
		const char *name;
		bool (*is)(struct str s);
	} formats[] = { { "hostname", is_hostname }, { "uuid", is_uuid } };

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(name, str_of(formats[i].name)))
			return formats[i].is;
	return NULL;
}
