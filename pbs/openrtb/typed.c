/* One walk decides for each object whether it is canonical already; only then is anything built. Requests
 * that reach the server are nearly canonical, so the common cost is the look-up of each key: a scan over the
 * type's fields that compares lengths first, which at under fifty fields is as quick as hashing and needs no
 * tables built at start.
 */
#include "pbs/openrtb/typed.h"

#include <stdio.h>
#include <strings.h>

/* The text that the reference's reader puts where an integer did not begin, once it is valid UTF-8. */
#define NOT_AN_INTEGER "unexpected character: \xef\xbf\xbd"

static const struct kind {
	const char *detail; /* %c is where the value began */
	const char *expected;
} kinds[] = {
	[TYPED_STR] = { "expects \" or n, but found %c", "a string" },
	[TYPED_INT] = { NOT_AN_INTEGER, "an integer" },
	[TYPED_FLOAT] = { "invalid number", "a number" },
	[TYPED_BOOL] = { "expect t or f, but found %c", "a boolean" },
	[TYPED_NUMBER] = { "invalid number", "a number or a string" },
	[TYPED_MAP] = { "expect { or n, but found %c", "an object" },
	[TYPED_RAW] = { "", "a value" },
	[TYPED_OBJECT] = { "expect { or n, but found %c", "an object" },
};
static const struct kind list_kind = { "expect [ or n, but found %c", "an array" };

/* Where a failure is told, filled from the inside out. */
struct report {
	struct errtext *why, *where;
	bool owned; /* `why` names its field already */
};

static char first_char(const json_t *v)
{
	char text[32];

	if (!v)
		return '\0';
	switch (json_typeof(v)) {
	case JSON_OBJECT: return '{';
	case JSON_ARRAY: return '[';
	case JSON_STRING: return '"';
	case JSON_TRUE: return 't';
	case JSON_FALSE: return 'f';
	case JSON_NULL: return 'n';
	case JSON_INTEGER:
		(void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL: (void)snprintf(text, sizeof text, "%g", json_real_value(v)); break;
	}
	return text[0];
}

static void refuse(struct report *r, const struct kind *kind, const json_t *v)
{
	char detail[64];
	size_t n = 0;

	if (kind == &kinds[TYPED_INT] && json_is_real(v)) {
		errtext_set(r->why, "can not decode float as int");
	} else {
		for (const char *p = kind->detail; *p && n + 1 < sizeof detail; p++) {
			if (p[0] == '%' && p[1] == 'c') {
				detail[n++] = first_char(v);
				p++;
			} else {
				detail[n++] = *p;
			}
		}
		detail[n] = '\0';
		errtext_set(r->why, "%s", detail);
	}
	errtext_set(r->where, ": expected %s", kind->expected);
}

static const struct typed_field *find_field(const struct typed_struct *type, const char *key, size_t len,
					    bool *ret_exact)
{
	const struct typed_field *end = type->fields + type->n_fields, *near = NULL;

	for (const struct typed_field *f = type->fields; f < end; f++) {
		if (f->len != len)
			continue;
		if (memcmp(f->name, key, len) == 0) {
			*ret_exact = true;
			return f;
		}
		if (!near && strncasecmp(f->name, key, len) == 0)
			near = f;
	}
	*ret_exact = false;
	return near;
}

static bool kind_fits(enum typed_kind kind, const json_t *v)
{
	switch (kind) {
	case TYPED_STR: return json_is_string(v);
	case TYPED_INT: return json_is_integer(v);
	case TYPED_FLOAT: return json_is_number(v);
	case TYPED_BOOL: return json_is_boolean(v);
	case TYPED_NUMBER: return json_is_number(v) || json_is_string(v);
	case TYPED_MAP:
	case TYPED_OBJECT: return json_is_object(v);
	case TYPED_RAW: return true;
	}
	return false;
}

static json_t *zero_of(const struct typed_field *f)
{
	if (f->list)
		return json_null();
	switch ((enum typed_kind)f->kind) {
	case TYPED_STR:
	case TYPED_NUMBER: return json_string("");
	case TYPED_INT:
	case TYPED_FLOAT: return json_integer(0);
	case TYPED_BOOL: return json_false();
	case TYPED_OBJECT: return typed_decode(json_null(), f->type, NULL, NULL);
	case TYPED_MAP:
	case TYPED_RAW: return json_null();
	}
	return json_null();
}

static bool is_empty(const struct typed_field *f, const json_t *v)
{
	if (f->list)
		return json_array_size(v) == 0;
	switch ((enum typed_kind)f->kind) {
	case TYPED_STR: return json_string_length(v) == 0;
	case TYPED_NUMBER: return json_is_string(v) && json_string_length(v) == 0;
	case TYPED_INT:
	case TYPED_FLOAT: return json_number_value(v) == 0;
	case TYPED_BOOL: return json_is_false(v);
	case TYPED_MAP: return json_object_size(v) == 0;
	case TYPED_OBJECT:
	case TYPED_RAW: return false;
	}
	return false;
}

static json_t *decode_object(json_t *in, const struct typed_struct *type, struct report *r);

/* One value of the field's kind, list or not: a new reference or NULL. */
static json_t *decode_one(json_t *v, const struct typed_field *f, struct report *r)
{
	if (json_is_null(v) && f->kind != TYPED_RAW)
		return zero_of(&(struct typed_field){ .kind = f->kind, .type = f->type });
	if (!kind_fits(f->kind, v)) {
		refuse(r, &kinds[f->kind], v);
		return NULL;
	}
	return f->kind == TYPED_OBJECT ? decode_object(v, f->type, r) : json_incref(v);
}

static json_t *decode_list(json_t *in, const struct typed_field *f, struct report *r)
{
	json_t *out = NULL;

	if (!json_is_array(in)) {
		refuse(r, &list_kind, in);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(in); i++) {
		json_t *was = json_array_get(in, i), *now = decode_one(was, f, r);

		if (!now) {
			errtext_prefix(r->where, "[%zu]", i);
			json_decref(out);
			return NULL;
		}
		if (now != was && !out)
			out = json_copy(in);
		if (out)
			json_array_set_new(out, i, now);
		else
			json_decref(now);
	}
	return out ? out : json_incref(in);
}

static json_t *decode_field(json_t *v, const struct typed_struct *type, const struct typed_field *f,
			    struct report *r)
{
	json_t *now = f->list ? decode_list(v, f, r) : decode_one(v, f, r);

	if (!now) {
		if (!r->owned && type->owner)
			errtext_prefix(r->why, "cannot unmarshal %s.%s: ", type->owner, f->label);
		r->owned = true;
		errtext_prefix(r->where, ".%s", f->name);
	}
	return now;
}

/* A new object with the members of `in` that stand before `end` and were all canonical. */
static json_t *copy_until(json_t *in, void *end)
{
	json_t *out = json_object();

	for (void *it = json_object_iter(in); it && it != end; it = json_object_iter_next(in, it))
		json_object_setn_new_nocheck(out, json_object_iter_key(it), json_object_iter_key_len(it),
					     json_incref(json_object_iter_value(it)));
	return out;
}

static json_t *with_always(json_t *out, json_t *in, const struct typed_struct *type, uint64_t seen)
{
	for (uint32_t i = 0; i < type->n_fields; i++) {
		const struct typed_field *f = &type->fields[i];

		if (f->mark != TYPED_ALWAYS || (seen >> i & 1))
			continue;
		if (!out)
			out = copy_until(in, NULL);
		json_object_setn_new_nocheck(out, f->name, f->len, zero_of(f));
	}
	return out ? out : json_incref(in);
}

static json_t *decode_object(json_t *in, const struct typed_struct *type, struct report *r)
{
	json_t *out = NULL; /* made at the first member that is not canonical */
	uint64_t seen = 0;

	for (void *it = json_object_iter(in); it; it = json_object_iter_next(in, it)) {
		json_t *was = json_object_iter_value(it), *now = NULL;
		bool exact = false;
		const struct typed_field *f =
			find_field(type, json_object_iter_key(it), json_object_iter_key_len(it), &exact);
		bool null_given = json_is_null(was) && f && f->kind != TYPED_RAW;

		if (f && !null_given) {
			now = decode_field(was, type, f, r);
			if (!now) {
				json_decref(out);
				return NULL;
			}
			if (f->mark == TYPED_NONZERO && is_empty(f, now)) {
				json_decref(now);
				now = NULL;
			}
		} else if (null_given && f->list && f->mark == TYPED_ALWAYS) {
			now = json_incref(was);
		}
		if (!out && !(exact && now == was))
			out = copy_until(in, it);
		if (now)
			seen |= UINT64_C(1) << (f - type->fields);
		if (out && now)
			json_object_setn_new_nocheck(out, f->name, f->len, now);
		else if (out && f && (!null_given || f->list || f->mark == TYPED_GIVEN))
			json_object_deln(out, f->name, f->len); /* a later spelling of the key wins */
		else
			json_decref(now);
	}
	return with_always(out, in, type, seen);
}

json_t *typed_decode(json_t *in, const struct typed_struct *type, struct errtext *why, struct errtext *where)
{
	struct report r = { .why = why, .where = where };
	json_t *out;

	if (json_is_null(in)) {
		json_t *empty = json_object();

		out = with_always(NULL, empty, type, 0);
		json_decref(empty);
		return out;
	}
	if (!json_is_object(in)) {
		refuse(&r, &kinds[TYPED_OBJECT], in);
		errtext_prefix(where, "(root)");
		return NULL;
	}
	out = decode_object(in, type, &r);
	if (!out && where && where->text[0] == '.')
		memmove(where->text, where->text + 1, strlen(where->text));
	return out;
}

json_t *typed_get(const json_t *obj, const char *name)
{
	json_t *v = json_object_get(obj, name);
	size_t n = strlen(name);

	if (!v && json_is_object(obj)) {
		json_t *o = (json_t *)obj; /* jansson's iterators take no const */

		for (void *it = json_object_iter(o); it && !v; it = json_object_iter_next(o, it))
			if (json_object_iter_key_len(it) == n &&
			    strncasecmp(json_object_iter_key(it), name, n) == 0)
				v = json_object_iter_value(it);
	}
	return json_is_null(v) ? NULL : v;
}

const char *typed_unknown_key(const json_t *obj, const struct typed_struct *type)
{
	json_t *o = (json_t *)obj, *v; /* jansson's iterators take no const */
	const char *key;

	json_object_foreach (o, key, v) {
		bool found = false;

		for (uint32_t i = 0; i < type->n_fields; i++)
			found |= strcmp(type->fields[i].name, key) == 0;
		if (!found)
			return key;
	}
	return NULL;
}
