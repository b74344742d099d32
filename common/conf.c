/* One walk over the YAML tree finds for every node the key it sets, the keys it leads to, or nothing; what
 * leads to nothing is refused, because a misspelt key that is silently ignored is the most expensive kind of
 * configuration error. Problems are collected, so that a file is repaired in one go. */
#include "common/conf.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/conf_value.h"
#include "common/err.h"
#include "common/json.h"
#include "common/yaml.h"

enum {
	FILE_MAX_BYTES = 4 << 20,
	SECRET_MAX_BYTES = 64 << 10,
	TEXT_MAX_BYTES = 1 << 20,
	PATH_MAX_BYTES = 512,
	ERRORS_MAX_BYTES = sizeof(((struct errtext *)0)->text) - 1,
};

struct conf {
	const struct conf_table *t;
	char *file; /* NULL = none */
	void *values;
	char **origins; /* per key: "default", "pbs.yaml line 3", "IDR_URL" */
	json_t *lines;
	struct buf warnings;
};

/* A load under way. */
struct load {
	struct conf *c;
	char *const *env;
	struct buf path, errors;
};

static void add_error(struct load *l, const char *place, const char *path, const char *what)
{
	if (l->errors.n)
		buf_add_c(&l->errors, '\n');
	buf_addf(&l->errors, "%s: %s%s%s", place, path, *path ? ": " : "", what);
}

static void add_yaml_error(struct load *l, const char *what)
{
	FREE_ON_EXIT char *place =
		xasprintf("%s line %u", l->c->file, yaml_line(l->c->lines, buf_cstr(&l->path)));

	add_error(l, place, buf_cstr(&l->path), what);
}

static void set_origin(struct conf *c, size_t key, char *origin)
{
	free(c->origins[key]);
	c->origins[key] = origin;
}

static size_t find_key(const struct conf_table *t, const char *path)
{
	size_t i = 0;

	while (i < t->n_keys && strcmp(t->keys[i].path, path) != 0)
		i++;
	return i;
}

static bool leads_to_keys(const struct conf_table *t, const char *path)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < t->n_keys; i++)
		if (strncmp(t->keys[i].path, path, n) == 0 && t->keys[i].path[n] == '.')
			return true;
	return false;
}

/* Levenshtein's distance, case ignored. Both texts are shorter than PATH_MAX_BYTES. */
static unsigned distance(struct str a, struct str b)
{
	unsigned row[PATH_MAX_BYTES + 1];

	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned change = diagonal + (tolower((unsigned char)a.p[i - 1]) !=
						      tolower((unsigned char)b.p[j - 1]));
			unsigned insert = row[j - 1] + 1, drop = row[j] + 1;

			diagonal = row[j];
			row[j] = change < insert ? change : insert;
			if (drop < row[j])
				row[j] = drop;
		}
	}
	return row[b.n];
}

/* The first `segments` segments of a dotted path. */
static struct str head_of(const char *path, size_t segments)
{
	size_t n = 0;

	for (; path[n]; n++)
		if (path[n] == '.' && --segments == 0)
			break;
	return (struct str){ path, n };
}

static void add_unknown(struct load *l)
{
	const struct conf_table *t = l->c->t;
	struct str path = buf_str(&l->path), best = STR("");
	unsigned best_distance = (unsigned)path.n / 3 + 1;
	FREE_ON_EXIT char *what = NULL;
	size_t segments = 1;

	for (size_t i = 0; i < path.n; i++)
		segments += path.p[i] == '.';
	for (size_t i = 0; i < t->n_keys && path.n < PATH_MAX_BYTES; i++) {
		struct str known = head_of(t->keys[i].path, segments);
		unsigned d = distance(path, known);

		if (d < best_distance) {
			best_distance = d;
			best = known;
		}
	}
	what = best.n ? xasprintf("unknown key (did you mean " STR_FMT "?)", STR_ARG(best))
		      : xstrdup("unknown key");
	add_yaml_error(l, what);
}

/* A text with its variables expanded; NULL when that failed (the error is noted). */
static char *expand(struct load *l, const json_t *text, bool *ret_changed)
{
	struct errtext why;
	struct buf out;
	char *z = NULL;

	buf_init(&out, TEXT_MAX_BYTES);
	if (conf_expand(json_str(text), l->env, &out, ret_changed, &why))
		z = buf_take(&out);
	else
		add_yaml_error(l, why.text);
	buf_deinit(&out);
	return z;
}

/* A copy of a subtree with every text expanded; what changed is typed again, as if it stood in the file. */
static json_t *expand_tree(struct load *l, const json_t *j)
{
	size_t path_n = l->path.n, i;
	const char *key;
	json_t *v, *out;

	if (json_is_object(j)) {
		out = json_object();
		json_object_foreach ((json_t *)j, key, v) {
			buf_addf(&l->path, ".%s", key);
			json_object_set_new(out, key, expand_tree(l, v));
			l->path.n = path_n;
		}
	} else if (json_is_array(j)) {
		out = json_array();
		json_array_foreach ((json_t *)j, i, v) {
			buf_addf(&l->path, "[%zu]", i);
			json_array_append_new(out, expand_tree(l, v));
			l->path.n = path_n;
		}
	} else if (json_is_string(j)) {
		bool changed = false;
		FREE_ON_EXIT char *text = expand(l, j, &changed);

		out = text && changed ? yaml_scalar(str_of(text)) : json_deep_copy(j);
		if (!out) { /* a variable with bytes that are not UTF-8 */
			add_yaml_error(l, "not UTF-8 once variables are expanded");
			out = json_null();
		}
	} else {
		out = json_deep_copy(j);
	}
	return out;
}

static void set_from_yaml(struct load *l, size_t at, const json_t *j)
{
	const struct conf_key *key = &l->c->t->keys[at];
	FREE_ON_EXIT char *text = NULL;
	bool changed = false;
	struct errtext why = { "" };
	json_t *value = NULL;

	if (key->type == CONF_IS_IGNORED) {
		buf_addf(&l->c->warnings, "%s%s line %u: %s has no effect: %s", l->c->warnings.n ? "\n" : "",
			 l->c->file, yaml_line(l->c->lines, key->path), key->path, key->help);
		return;
	}
	if (json_is_string(j)) {
		text = expand(l, j, &changed);
		if (!text)
			return;
		value = json_string(text);
		if (!value) {
			add_yaml_error(l, "not UTF-8 once variables are expanded");
			return;
		}
	} else {
		value = expand_tree(l, j);
	}
	if (conf_value_from_json(key, l->c->values, value, changed, &why) < 0)
		add_yaml_error(l, why.text);
	else if (!json_is_null(j))
		set_origin(l->c, at, xasprintf("%s line %u", l->c->file, yaml_line(l->c->lines, key->path)));
	json_decref(value);
}

static void walk(struct load *l, const json_t *obj)
{
	size_t path_n = l->path.n;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)obj, key, v) {
		const char *path;
		size_t at;

		buf_addf(&l->path, "%s%s", path_n ? "." : "", key);
		path = buf_cstr(&l->path);
		at = find_key(l->c->t, path);
		if (l->path.overflow)
			add_yaml_error(l, "key too long");
		else if (at < l->c->t->n_keys)
			set_from_yaml(l, at, v);
		else if (!leads_to_keys(l->c->t, path))
			add_unknown(l);
		else if (json_is_object(v))
			walk(l, v);
		else if (!json_is_null(v))
			add_yaml_error(l, "must be a mapping");
		l->path.n = path_n;
		l->path.overflow = false;
	}
}

static int read_yaml(struct load *l, struct errtext *why)
{
	json_t *root = yaml_parse_file_lines(l->c->file, FILE_MAX_BYTES, &l->c->lines, why);
	int err = 0;

	if (!root)
		return ERR_INPUT;
	if (json_is_object(root)) {
		walk(l, root);
	} else if (!json_is_null(root)) {
		errtext_set(why, "%s: must be a mapping of keys", l->c->file);
		err = ERR_INPUT;
	}
	json_decref(root);
	return err;
}

/* The contents of the file that NAME_FILE names, without the line end that editors add. NULL = unreadable. */
static char *read_secret(const char *path)
{
	struct buf b;
	char *text = NULL;

	buf_init(&b, SECRET_MAX_BYTES);
	if (buf_add_file(&b, path, NULL)) {
		while (b.n && (b.p[b.n - 1] == '\n' || b.p[b.n - 1] == '\r'))
			b.n--;
		text = xstrndup(b.n ? b.p : "", b.n);
	}
	buf_deinit(&b);
	return text;
}

/* Sets the key from variable `name` or, for a secret, from the file that <name>_FILE names; false when
 * neither is set. An empty variable counts as unset: compose files pass those for "nothing". */
static bool set_from_variable(struct load *l, size_t at, struct str name)
{
	const struct conf_key *key = &l->c->t->keys[at];
	FREE_ON_EXIT char *name_z = xstrndup(name.p, name.n);
	FREE_ON_EXIT char *file_name = xasprintf("%s_FILE", name_z);
	const char *value = conf_env(l->env, name), *path = NULL;
	FREE_ON_EXIT char *secret = NULL;
	struct errtext why;

	if (key->type == CONF_IS_SECRET)
		path = conf_env(l->env, str_of(file_name));
	if (path && *path && value && *value) {
		add_error(l, file_name, "", "set together with the variable itself");
		return true;
	}
	if (path && *path) {
		value = secret = read_secret(path);
		if (!secret)
			add_error(l, file_name, path, "cannot be read");
	}
	if (!value || !*value)
		return false;
	if (conf_value_from_text(key, l->c->values, str_of(value), &why) < 0)
		add_error(l, name_z, key->path, why.text);
	else
		set_origin(l->c, at, xstrdup(secret ? file_name : name_z));
	return true;
}

/* "idr.timeout_ms" → "PBS_IDR_TIMEOUT_MS" */
static char *derived_variable(const struct conf_table *t, const char *path)
{
	char *name = xasprintf("%s%s", t->var_prefix, path);

	for (char *p = name; *p; p++)
		*p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	return name;
}

static void read_variables(struct load *l)
{
	const struct conf_table *t = l->c->t;

	for (size_t i = 0; i < t->n_keys; i++) {
		struct str rest = str_of(t->keys[i].vars);
		bool done = false;

		if (t->keys[i].type == CONF_IS_TREE || t->keys[i].type == CONF_IS_IGNORED)
			continue;
		while (rest.p && !done) {
			struct str name = str_cut(&rest, '|');

			done = name.n && set_from_variable(l, i, name);
		}
		if (!done) {
			FREE_ON_EXIT char *name = derived_variable(t, t->keys[i].path);

			set_from_variable(l, i, str_of(name));
		}
	}
}

static void check_required(struct load *l)
{
	const struct conf_table *t = l->c->t;

	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].flags & CONF_REQUIRED && conf_value_is_empty(&t->keys[i], l->c->values))
			add_error(l, l->c->file ? l->c->file : "configuration", t->keys[i].path,
				  "required and missing");
}

static void set_defaults(struct conf *c)
{
	struct errtext why = { "" };

	for (size_t i = 0; i < c->t->n_keys; i++) {
		const struct conf_key *key = &c->t->keys[i];

		if (conf_value_from_text(key, c->values, str_of(key->fallback), &why) < 0) {
			fprintf(stderr, "%s: the default %s\n", key->path, why.text);
			abort(); /* the table itself is wrong */
		}
		set_origin(c, i, xstrdup("default"));
	}
}

static int load_all(struct load *l, struct errtext *why)
{
	const struct conf_table *t = l->c->t;
	int err = 0;

	set_defaults(l->c);
	if (l->c->file)
		err = read_yaml(l, why);
	if (err < 0)
		return err;
	read_variables(l);
	check_required(l);
	if (l->errors.n) {
		errtext_set(why, "%s", buf_cstr(&l->errors));
		return ERR_INPUT;
	}
	if (t->derive)
		t->derive(l->c, l->c->values);
	return t->check ? t->check(l->c->values, why) : 0;
}

struct conf *conf_load(const struct conf_table *t, const char *yaml_path, char *const *env,
		       struct errtext *why)
{
	struct conf *c = xcalloc(1, sizeof *c);
	struct load l = { .c = c, .env = env };
	int err;

	c->t = t;
	c->file = yaml_path ? xstrdup(yaml_path) : NULL;
	c->values = xcalloc(1, t->size);
	c->origins = xcalloc(t->n_keys, sizeof *c->origins);
	buf_init(&c->warnings, TEXT_MAX_BYTES);
	buf_init(&l.path, PATH_MAX_BYTES);
	buf_init(&l.errors, ERRORS_MAX_BYTES);
	err = load_all(&l, why);
	buf_deinit(&l.path);
	buf_deinit(&l.errors);
	return err < 0 ? conf_free(c) : c;
}

struct conf *conf_free(struct conf *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->t->n_keys; i++) {
		conf_value_free(&c->t->keys[i], c->values);
		free(c->origins[i]);
	}
	json_decref(c->lines);
	buf_deinit(&c->warnings);
	free(c->origins);
	free(c->values);
	free(c->file);
	free(c);
	return NULL;
}

struct conf *conf_reload(const struct conf *running, char *const *env, struct errtext *why)
{
	const struct conf_table *t = running->t;
	struct conf *c = conf_load(t, running->file, env, why);

	if (!c)
		return NULL;
	for (size_t i = 0; i < t->n_keys; i++) {
		const struct conf_key *key = &t->keys[i];

		if (key->type == CONF_IS_IGNORED || key->flags & CONF_RELOAD ||
		    conf_value_same(key, c->values, running->values))
			continue;
		buf_addf(&c->warnings, "%s%s: changed, which needs a restart", c->warnings.n ? "\n" : "",
			 key->path);
		conf_value_copy(key, c->values, running->values);
		set_origin(c, i, xstrdup(running->origins[i]));
	}
	if (t->check && t->check(c->values, why) < 0)
		return conf_free(c);
	return c;
}

const void *conf_values(const struct conf *c)
{
	return c->values;
}

const char *conf_warnings(const struct conf *c)
{
	return buf_cstr((struct buf *)&c->warnings);
}

unsigned conf_line(const struct conf *c, const char *path)
{
	return yaml_line(c->lines, path);
}

const char *conf_origin(const struct conf *c, const char *path)
{
	size_t at = find_key(c->t, path);

	assert(at < c->t->n_keys);
	return c->origins[at];
}

void conf_derived(struct conf *c, const char *path, const char *fmt, ...)
{
	size_t at = find_key(c->t, path);
	struct errtext why;
	va_list ap;

	assert(at < c->t->n_keys);
	va_start(ap, fmt);
	vsnprintf(why.text, sizeof why.text, fmt, ap);
	va_end(ap);
	set_origin(c, at, xstrdup(why.text));
}

const char *conf_file(const struct conf *c)
{
	return c->file ? c->file : "";
}

/* Whether an earlier key already opened the group that `path` shares up to `n` bytes. */
static bool seen_before(const struct conf_table *t, size_t before, const char *path, size_t n)
{
	for (size_t i = 0; i < before; i++)
		if (t->keys[i].type != CONF_IS_IGNORED && strncmp(t->keys[i].path, path, n) == 0 &&
		    (t->keys[i].path[n] == '.' || t->keys[i].path[n] == '\0'))
			return true;
	return false;
}

/* The keys below `prefix` (its first `prefix_n` bytes, with the dot), in table order, groups kept together.
 */
static void print_group(const struct conf *c, const char *prefix, size_t prefix_n, int depth, struct buf *b)
{
	const struct conf_table *t = c->t;

	for (size_t i = 0; i < t->n_keys; i++) {
		const struct conf_key *key = &t->keys[i];
		const char *rest = key->path + prefix_n;
		size_t n;

		if (key->type == CONF_IS_IGNORED || strncmp(key->path, prefix, prefix_n) != 0)
			continue;
		n = strcspn(rest, ".");
		if (rest[n] == '.') {
			if (seen_before(t, i, key->path, prefix_n + n))
				continue;
			buf_addf(b, "%*s%.*s:\n", depth * 2, "", (int)n, rest);
			print_group(c, key->path, prefix_n + n + 1, depth + 1, b);
		} else if (key->type != CONF_IS_TREE || !conf_value_is_empty(key, c->values)) {
			buf_addf(b, "%*s%s: ", depth * 2, "", rest);
			conf_value_write(key, c->values, b);
			buf_addf(b, "  # %s\n", c->origins[i]);
		}
	}
}

void conf_print(const struct conf *c, struct buf *b)
{
	print_group(c, "", 0, 0, b);
}

static void reference_range(const struct conf_key *key, struct buf *b)
{
	static const char *const types[] = {
		[CONF_IS_BOOL] = "true, false",     [CONF_IS_STR] = "text",
		[CONF_IS_SECRET] = "secret",        [CONF_IS_LIST] = "list",
		[CONF_IS_TREE] = "mapping or list",
	};
	struct str rest = str_of(key->names);

	switch (key->type) {
	case CONF_IS_U32:
	case CONF_IS_U64: buf_addf(b, "%.0f..%.0f", key->min, key->max); break;
	case CONF_IS_DOUBLE: buf_addf(b, "%g..%g", key->min, key->max); break;
	case CONF_IS_ENUM:
		while (rest.p)
			buf_addf(b, STR_FMT, STR_ARG(str_cut(&rest, '|'))), buf_add_z(b, rest.p ? ", " : "");
		break;
	default: buf_add_z(b, types[key->type]);
	}
}

static void reference_variables(const struct conf_table *t, const struct conf_key *key, struct buf *b)
{
	FREE_ON_EXIT char *derived = derived_variable(t, key->path);
	struct str rest = str_of(key->vars);
	bool named = false;

	if (key->type == CONF_IS_TREE)
		return;
	while (rest.p) {
		struct str name = str_cut(&rest, '|');

		named |= str_eq(name, str_of(derived));
		if (name.n)
			buf_addf(b, "`" STR_FMT "` ", STR_ARG(name));
	}
	if (!named)
		buf_addf(b, "`%s` ", derived);
	if (key->type == CONF_IS_SECRET)
		buf_add_z(b, "(or each with `_FILE`) ");
}

void conf_reference(const struct conf_table *t, struct buf *b)
{
	buf_addf(b,
		 "## nexus-%s\n\n| key | variables | default | values | reload | "
		 "|\n|---|---|---|---|---|---|\n",
		 t->service);
	for (size_t i = 0; i < t->n_keys; i++) {
		const struct conf_key *key = &t->keys[i];

		if (key->type == CONF_IS_IGNORED)
			continue;
		buf_addf(b, "| `%s` | ", key->path);
		reference_variables(t, key, b);
		if (*key->fallback)
			buf_addf(b, "| `%s` | ", key->fallback);
		else
			buf_add_z(b, "| | ");
		reference_range(key, b);
		buf_addf(b, " | %s | %s%s |\n", key->flags & CONF_RELOAD ? "yes" : "",
			 key->flags & CONF_REQUIRED ? "Required. " : "", key->help);
	}
	for (size_t i = 0; i < t->n_keys; i++)
		if (t->keys[i].type == CONF_IS_IGNORED)
			buf_addf(b, "\n- `%s` is accepted and has no effect: %s", t->keys[i].path,
				 t->keys[i].help);
	buf_add_c(b, '\n');
}
