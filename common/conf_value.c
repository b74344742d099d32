#include "common/conf_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"

/* The field of `key`; the table's macros have checked that its type is the right one. */
static void *field(const struct conf_key *key, const void *values)
{
	return (char *)values + key->offset;
}

static const char *type_name(const struct conf_key *key)
{
	static const char *const names[] = {
		[CONF_IS_BOOL] = "true or false",
		[CONF_IS_U32] = "a whole number",
		[CONF_IS_U64] = "a whole number",
		[CONF_IS_DOUBLE] = "a number",
		[CONF_IS_STR] = "a text",
		[CONF_IS_SECRET] = "a text",
		[CONF_IS_ENUM] = "a name",
		[CONF_IS_LIST] = "a list of texts",
		[CONF_IS_TREE] = "a mapping or list",
		[CONF_IS_IGNORED] = "anything",
	};

	return names[key->type];
}

static int wrong_type(const struct conf_key *key, struct str got, struct errtext *why)
{
	if (key->type == CONF_IS_SECRET)
		got = STR("the value");
	if (got.n > 100)
		got.n = 100;
	if (key->type == CONF_IS_ENUM)
		errtext_set(why, STR_FMT " is not one of %s", STR_ARG(got), key->names);
	else if (key->type == CONF_IS_U32 || key->type == CONF_IS_U64)
		errtext_set(why, STR_FMT " is not a whole number in %.0f..%.0f", STR_ARG(got), key->min,
			    key->max);
	else if (key->type == CONF_IS_DOUBLE)
		errtext_set(why, STR_FMT " is not a number in %g..%g", STR_ARG(got), key->min, key->max);
	else
		errtext_set(why, STR_FMT " is not %s", STR_ARG(got), type_name(key));
	return ERR_INPUT;
}

static bool parse_bool(struct str s, bool *ret_v)
{
	static const char *const names[][4] = { { "false", "no", "off", "0" }, { "true", "yes", "on", "1" } };

	for (int v = 0; v < 2; v++)
		for (int i = 0; i < 4; i++)
			if (str_eq_nocase(s, str_of(names[v][i]))) {
				*ret_v = v;
				return true;
			}
	return false;
}

static bool parse_enum(const char *names, struct str s, int *ret_v)
{
	struct str rest = str_of(names);

	for (int i = 0; rest.p; i++)
		if (str_eq_nocase(str_cut(&rest, '|'), s)) {
			*ret_v = i;
			return true;
		}
	return false;
}

static void set_text(char **at, struct str s)
{
	free(*at);
	*at = xstrndup(s.p, s.n);
}

static void free_list(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((char *)(uintptr_t)l->v[i]);
	free((void *)(uintptr_t)l->v);
	*l = (struct conf_list){ 0 };
}

static void list_add(struct conf_list *l, struct str s)
{
	const char **v = xrealloc((void *)(uintptr_t)l->v, (l->n + 1) * sizeof *v);

	v[l->n++] = xstrndup(s.p, s.n);
	l->v = v;
}

static void set_list_from_text(struct conf_list *l, struct str s)
{
	free_list(l);
	while (s.p) {
		struct str item = str_trim(str_cut(&s, ','));

		if (item.n)
			list_add(l, item);
	}
}

static bool in_range(const struct conf_key *key, double v)
{
	return v >= key->min && v <= key->max;
}

int conf_value_from_text(const struct conf_key *key, void *values, struct str s, struct errtext *why)
{
	void *at = field(key, values);
	uint64_t u = 0;
	double d = 0;
	bool ok = true;

	switch (key->type) {
	case CONF_IS_BOOL: ok = parse_bool(s, at); break;
	case CONF_IS_U32:
		ok = str_parse_u64(s, 0, UINT32_MAX, &u) && in_range(key, (double)u);
		if (ok)
			*(uint32_t *)at = (uint32_t)u;
		break;
	case CONF_IS_U64:
		ok = str_parse_u64(s, 0, UINT64_MAX, &u) && in_range(key, (double)u);
		if (ok)
			*(uint64_t *)at = u;
		break;
	case CONF_IS_DOUBLE:
		ok = str_parse_double(s, &d) && in_range(key, d);
		if (ok)
			*(double *)at = d;
		break;
	case CONF_IS_STR:
	case CONF_IS_SECRET: set_text(at, s); break;
	case CONF_IS_ENUM: ok = parse_enum(key->names, s, at); break;
	case CONF_IS_LIST: set_list_from_text(at, s); break;
	case CONF_IS_TREE: ok = s.n == 0; break; /* only from YAML */
	case CONF_IS_IGNORED: break;
	}
	return ok ? 0 : wrong_type(key, s, why);
}

static int list_from_json(const struct conf_key *key, struct conf_list *l, const json_t *j,
			  struct errtext *why)
{
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)j, i, v)
		if (json_is_object(v) || json_is_array(v) || json_is_null(v))
			return wrong_type(key, STR("a list with something else in it"), why);
	free_list(l);
	json_array_foreach ((json_t *)j, i, v) {
		FREE_ON_EXIT char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);

		list_add(l, str_of(text));
	}
	return 0;
}

/* Whether a YAML value of this kind may stand for the key, were it written as text. */
static bool kind_fits(const struct conf_key *key, const json_t *j, bool expanded)
{
	if (json_is_string(j))
		return expanded || key->type == CONF_IS_STR || key->type == CONF_IS_SECRET ||
		       key->type == CONF_IS_ENUM || key->type == CONF_IS_LIST;
	switch (key->type) {
	case CONF_IS_BOOL: return json_is_boolean(j);
	case CONF_IS_U32:
	case CONF_IS_U64: return json_is_integer(j);
	case CONF_IS_DOUBLE: return json_is_number(j);
	case CONF_IS_STR:
	case CONF_IS_SECRET: return json_is_number(j) || json_is_boolean(j); /* host_vendor: 12 */
	default: return false;
	}
}

int conf_value_from_json(const struct conf_key *key, void *values, const json_t *j, bool expanded,
			 struct errtext *why)
{
	FREE_ON_EXIT char *text = NULL;
	int err;

	if (key->type == CONF_IS_IGNORED)
		return 0;
	if (json_is_null(j)) /* "key:" with nothing behind it: the default stays */
		return 0;
	if (key->type == CONF_IS_TREE) {
		json_t **at = field(key, values);

		if (!json_is_object(j) && !json_is_array(j))
			return wrong_type(key, STR("the value"), why);
		json_decref(*at);
		*at = json_incref((json_t *)j);
		return 0;
	}
	if (key->type == CONF_IS_LIST && json_is_array(j))
		return list_from_json(key, field(key, values), j, why);
	if (json_is_object(j) || json_is_array(j))
		return wrong_type(key, json_is_object(j) ? STR("a mapping") : STR("a list"), why);
	text = json_is_string(j) ? xstrdup(json_string_value(j)) : json_text(j);
	if (!kind_fits(key, j, expanded)) {
		err = wrong_type(key, str_of(text), why);
		if (json_is_string(j))
			errtext_prefix(why, "the quoted text ");
		return err;
	}
	return conf_value_from_text(key, values, str_of(text), why);
}

void conf_value_free(const struct conf_key *key, void *values)
{
	void *at = field(key, values);

	switch (key->type) {
	case CONF_IS_STR:
	case CONF_IS_SECRET:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case CONF_IS_LIST: free_list(at); break;
	case CONF_IS_TREE:
		json_decref(*(json_t **)at);
		*(json_t **)at = NULL;
		break;
	default: break;
	}
}

void conf_value_copy(const struct conf_key *key, void *to, const void *from)
{
	const struct conf_list *l;
	void *at = field(key, to);
	const void *src = field(key, from);

	conf_value_free(key, to);
	switch (key->type) {
	case CONF_IS_BOOL: *(bool *)at = *(const bool *)src; break;
	case CONF_IS_U32: *(uint32_t *)at = *(const uint32_t *)src; break;
	case CONF_IS_U64: *(uint64_t *)at = *(const uint64_t *)src; break;
	case CONF_IS_DOUBLE: *(double *)at = *(const double *)src; break;
	case CONF_IS_ENUM: *(int *)at = *(const int *)src; break;
	case CONF_IS_STR:
	case CONF_IS_SECRET: *(char **)at = xstrdup(*(char *const *)src); break;
	case CONF_IS_LIST:
		l = src;
		for (size_t i = 0; i < l->n; i++)
			list_add(at, str_of(l->v[i]));
		break;
	case CONF_IS_TREE: /* a deep copy: references are not counted atomically, the old one is in use */
		*(json_t **)at = json_deep_copy(*(json_t *const *)src);
		break;
	case CONF_IS_IGNORED: break;
	}
}

bool conf_value_same(const struct conf_key *key, const void *a, const void *b)
{
	const void *x = field(key, a), *y = field(key, b);
	const struct conf_list *l = x, *m = y;

	switch (key->type) {
	case CONF_IS_BOOL: return *(const bool *)x == *(const bool *)y;
	case CONF_IS_U32: return *(const uint32_t *)x == *(const uint32_t *)y;
	case CONF_IS_U64: return *(const uint64_t *)x == *(const uint64_t *)y;
	case CONF_IS_DOUBLE: return *(const double *)x == *(const double *)y;
	case CONF_IS_ENUM: return *(const int *)x == *(const int *)y;
	case CONF_IS_STR:
	case CONF_IS_SECRET: return strcmp(*(char *const *)x, *(char *const *)y) == 0;
	case CONF_IS_LIST:
		if (l->n != m->n)
			return false;
		for (size_t i = 0; i < l->n; i++)
			if (strcmp(l->v[i], m->v[i]) != 0)
				return false;
		return true;
	case CONF_IS_TREE: {
		const json_t *t = *(json_t *const *)x, *u = *(json_t *const *)y;

		return t == u || json_equal(t, u);
	}
	case CONF_IS_IGNORED: return true;
	}
	return true;
}

bool conf_value_is_empty(const struct conf_key *key, const void *values)
{
	const void *at = field(key, values);

	switch (key->type) {
	case CONF_IS_STR:
	case CONF_IS_SECRET: return **(char *const *)at == '\0';
	case CONF_IS_LIST: return ((const struct conf_list *)at)->n == 0;
	case CONF_IS_TREE: return *(json_t *const *)at == NULL;
	default: return false;
	}
}

static bool names_a_secret(const char *key)
{
	static const char *const parts[] = { "password", "secret", "token", "api_key", "apikey" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(key, parts[i]))
			return true;
	return false;
}

static const struct str mask = { "***", 3 };

/* The user and password in a URL; none when n is 0. */
static struct str userinfo_of(struct str s)
{
	struct str rest = s;
	size_t n, at;

	rest.p = s.n ? memmem(s.p, s.n, "://", 3) : NULL;
	if (!rest.p)
		return STR("");
	rest.p += 3;
	rest.n = (size_t)(s.p + s.n - rest.p);
	for (n = at = 0; n < rest.n && !strchr("/?#", rest.p[n]); n++)
		if (rest.p[n] == '@')
			at = n;
	return (struct str){ rest.p, at };
}

/* `s` without what nobody is to read in it. */
static void add_masked(struct buf *b, struct str s)
{
	struct str userinfo = userinfo_of(s);

	if (userinfo.n) {
		buf_add(b, s.p, (size_t)(userinfo.p - s.p));
		buf_add_str(b, mask);
		s.n -= (size_t)(userinfo.p + userinfo.n - s.p);
		s.p = userinfo.p + userinfo.n;
	}
	buf_add_str(b, s);
}

static json_t *masked_text(struct str s)
{
	struct buf b;
	json_t *j;

	buf_init(&b, s.n + mask.n);
	add_masked(&b, s);
	j = json_new_str(buf_str(&b));
	buf_deinit(&b);
	return j;
}

/* A copy without secrets: of members that sound like one, or of all there is. It shares nothing with `j`, whose references
 * other threads count. */
static json_t *masked_copy(const json_t *j, bool is_secret)
{
	json_t *out, *v;
	const char *key;
	size_t i;

	if (json_is_object(j)) {
		out = json_object();
		json_object_foreach ((json_t *)j, key, v)
			json_object_set_new(out, key, masked_copy(v, is_secret || names_a_secret(key)));
		return out;
	}
	if (json_is_array(j)) {
		out = json_array();
		json_array_foreach ((json_t *)j, i, v)
			json_array_append_new(out, masked_copy(v, is_secret));
		return out;
	}
	if (is_secret && (json_is_string(j) || json_is_number(j)))
		return json_new_str(mask);
	return json_is_string(j) ? masked_text(json_str(j)) : json_deep_copy(j);
}

static void write_enum(const char *names, int at, struct buf *b)
{
	struct str rest = str_of(names), name = STR("");

	for (int i = 0; i <= at && rest.p; i++)
		name = str_cut(&rest, '|');
	buf_add_str(b, name);
}

/* Quoted, and safe from expansion when the output is read back. */
static void write_text(struct str s, struct buf *b)
{
	struct buf masked, safe;

	buf_init(&masked, s.n + mask.n);
	add_masked(&masked, s);
	s = buf_str(&masked);
	buf_init(&safe, 2 * s.n);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{')
			buf_add_c(&safe, '$');
		buf_add_c(&safe, s.p[i]);
	}
	json_write_str(b, buf_str(&safe));
	buf_deinit(&safe);
	buf_deinit(&masked);
}

static void write_list(const struct conf_list *l, bool hidden, struct buf *b)
{
	buf_add_c(b, '[');
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_add_z(b, ", ");
		write_text(hidden ? mask : str_of(l->v[i]), b);
	}
	buf_add_c(b, ']');
}

void conf_value_write(const struct conf_key *key, const void *values, struct buf *b)
{
	const void *at = field(key, values);
	json_t *masked;

	switch (key->type) {
	case CONF_IS_BOOL: buf_add_z(b, *(const bool *)at ? "true" : "false"); break;
	case CONF_IS_U32: buf_addf(b, "%u", *(const uint32_t *)at); break;
	case CONF_IS_U64: buf_addf(b, "%llu", (unsigned long long)*(const uint64_t *)at); break;
	case CONF_IS_DOUBLE: json_write_real(b, *(const double *)at); break;
	case CONF_IS_ENUM: write_enum(key->names, *(const int *)at, b); break;
	case CONF_IS_STR: write_text(str_of(*(char *const *)at), b); break;
	case CONF_IS_SECRET: json_write_str(b, **(char *const *)at ? mask : STR("")); break;
	case CONF_IS_LIST: write_list(at, key->flags & CONF_HIDDEN, b); break;
	case CONF_IS_TREE:
		masked = masked_copy(*(json_t *const *)at, key->flags & CONF_HIDDEN);
		json_write(b, masked);
		json_decref(masked);
		break;
	case CONF_IS_IGNORED: break;
	}
}

const char *conf_env(char *const *env, struct str name)
{
	for (; env && *env; env++)
		if (strncmp(*env, name.p, name.n) == 0 && (*env)[name.n] == '=')
			return *env + name.n + 1;
	return NULL;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
		      (i && c >= '0' && c <= '9')))
			return false;
	}
	return s.n > 0;
}

/* What stands between the braces: NAME or NAME:-default. */
static bool expand_one(struct str inner, char *const *env, struct buf *out, struct errtext *why)
{
	const char *sep = inner.n ? memmem(inner.p, inner.n, ":-", 2) : NULL;
	struct str name = { inner.p, sep ? (size_t)(sep - inner.p) : inner.n };
	const char *value;

	if (!is_name(name)) {
		errtext_set(why, "${" STR_FMT "} does not name a variable", STR_ARG(inner));
		return false;
	}
	value = conf_env(env, name);
	if (sep && (!value || !*value)) {
		buf_add(out, sep + 2, inner.n - name.n - 2);
		return true;
	}
	if (!value) {
		errtext_set(why, "${" STR_FMT "} is not set and has no default", STR_ARG(name));
		return false;
	}
	buf_add_z(out, value);
	return true;
}

bool conf_expand(struct str s, char *const *env, struct buf *out, bool *ret_changed, struct errtext *why)
{
	bool changed = false;

	while (s.n) {
		const char *at = memmem(s.p, s.n, "${", 2);
		size_t before = at ? (size_t)(at - s.p) : s.n;
		const char *close;

		if (!at) {
			buf_add_str(out, s);
			break;
		}
		changed = true;
		if (before && at[-1] == '$') { /* "$${" */
			buf_add(out, s.p, before);
			buf_add_c(out, '{');
			s.p += before + 2;
			s.n -= before + 2;
			continue;
		}
		buf_add(out, s.p, before);
		close = memchr(at, '}', s.n - before);
		if (!close) {
			errtext_set(why, "${ without }");
			return false;
		}
		if (!expand_one((struct str){ at + 2, (size_t)(close - at) - 2 }, env, out, why))
			return false;
		s.n -= (size_t)(close + 1 - s.p);
		s.p = close + 1;
	}
	if (out->overflow) {
		errtext_set(why, "too long once variables are expanded");
		return false;
	}
	*ret_changed = changed;
	return true;
}
