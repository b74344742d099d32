/* Reads `generic` of a bidder-info file once; whatever could be wrong is found here and not in an auction. */
#include <stdio.h>

#include "common/base64.h"
#include "common/err.h"
#include "common/mem.h"
#include "pbs/adapters/bidder_info.h"
#include "pbs/adapters/generic.h"
#include "pbs/adapters/ortb_text.h"

#define KEY(name, kind) TYPED_FIELD(name, name, TYPED_##kind, TYPED_GIVEN)
#define LIST(key, kind_)                                                                                     \
	{                                                                                                    \
		.name = (key), .label = (key), .len = sizeof(key) - 1, .kind = TYPED_##kind_,                \
		.mark = TYPED_GIVEN, .list = true                                                            \
	}
#define PART(key, of)                                                                                        \
	{                                                                                                    \
		.name = (key), .label = (key), .type = &(of), .len = sizeof(key) - 1, .kind = TYPED_OBJECT,  \
		.mark = TYPED_GIVEN                                                                          \
	}

static const struct typed_field auth_keys[] = { KEY("type", STR),     KEY("token", STR), KEY("username", STR),
						KEY("password", STR), KEY("name", STR),  KEY("value", STR) };
static const struct typed_struct auth_table = { "auth", auth_keys, ARRAY_LEN(auth_keys) };
static const struct typed_field status_keys[] = { KEY("badRequest", STR), KEY("other", STR) };
static const struct typed_struct status_table = { "status", status_keys, ARRAY_LEN(status_keys) };
static const struct typed_field keys[] = {
	KEY("headers", STR),  KEY("extraHeaders", MAP), PART("auth", auth_table),
	KEY("params", MAP),   KEY("set", MAP),          LIST("remove", STR),
	KEY("split", STR),    LIST("type", STR),        KEY("defaultType", STR),
	KEY("currency", STR), LIST("noBid", INT),       PART("status", status_table),
	KEY("schema", MAP),
};
static const struct typed_struct table = { "generic", keys, ARRAY_LEN(keys) };

static bool all_known(const json_t *given, const struct typed_struct *known, const char *path,
		      struct errtext *why)
{
	const char *unknown = typed_unknown_key(given, known);

	if (unknown)
		errtext_set(why, "%s.%s: there is no such key", path, unknown);
	return !unknown;
}

/* The position of a text among `names` (ended by NULL); the first when it is missing. */
static bool pick(const json_t *v, const char *path, const char *const *names, int *ret_at,
		 struct errtext *why)
{
	struct str text = json_str(v);
	struct buf all;

	*ret_at = 0;
	if (!v)
		return true;
	for (int i = 0; names[i]; i++) {
		if (str_eq(text, str_of(names[i]))) {
			*ret_at = i;
			return true;
		}
	}
	buf_init(&all, 512);
	for (int i = 0; names[i]; i++)
		buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	errtext_set(why, "%s: \"" STR_FMT "\" is none of %s", path, STR_ARG(text), buf_cstr(&all));
	buf_deinit(&all);
	return false;
}

/* Names with dots between them, not too many, and not the ids by which replies are matched. */
static bool path_is_fine(const char *key, const char *path, struct errtext *why)
{
	static const char *const fixed[] = { "id", "imp", "imp.id" };
	struct str rest = str_of(path);
	size_t depth = 0;
	bool fine = true;

	while (rest.p) {
		struct str name = str_cut(&rest, '.');

		fine = fine && name.n > 0 && name.n <= GENERIC_NAME_MAX && ++depth <= GENERIC_PATH_DEPTH;
	}
	if (!fine)
		errtext_set(why, "generic.%s: \"%s\" is no path of names and dots", key, path);
	for (size_t i = 0; fine && i < ARRAY_LEN(fixed); i++) {
		if (strcmp(fixed[i], path) == 0) {
			errtext_set(why, "generic.%s: %s cannot be changed", key, path);
			return false;
		}
	}
	return fine;
}

/* What a member of OpenRTB wants, unless the file says it. */
static enum generic_as kind_of(const char *path)
{
	if (str_ends(str_of(path), STR("bidfloor")))
		return GENERIC_NUMBER;
	return strstr(path, "ext.") ? GENERIC_RAW : GENERIC_TEXT;
}

static bool read_params(struct arena *a, struct generic_spec *spec, json_t *params, struct errtext *why)
{
	static const char *const kinds[] = { "text", "number", "raw", NULL };
	const char *name;
	json_t *v;

	spec->params = ARENA_ARRAY(a, struct generic_param, json_object_size(params));
	json_object_foreach (params, name, v) {
		struct generic_param *p = &spec->params[spec->n_params++];
		const json_t *as = json_object_get(v, "as");
		char path[128], as_path[160];
		int kind;

		(void)snprintf(path, sizeof path, "params.%s", name);
		(void)snprintf(as_path, sizeof as_path, "generic.%s.as", path);
		p->name = name;
		p->to = json_string_value(json_is_object(v) ? json_object_get(v, "to") : v);
		if (!p->to) {
			errtext_set(why, "generic.%s: expected a path, or {to: path, as: text|number|raw}",
				    path);
			return false;
		}
		if (!path_is_fine(path, p->to, why) || !pick(as, as_path, kinds, &kind, why))
			return false;
		p->as = as ? (enum generic_as)kind : kind_of(p->to);
	}
	return true;
}

static bool header_is_fine(struct str name, struct str value)
{
	for (size_t i = 0; i < name.n; i++)
		if (!((name.p[i] | 32) >= 'a' && (name.p[i] | 32) <= 'z') && name.p[i] != '-' &&
		    !(name.p[i] >= '0' && name.p[i] <= '9'))
			return false;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 127)
			return false;
	return name.n > 0;
}

static bool add_header(struct generic_spec *spec, const char *name, struct str value, struct errtext *why)
{
	if (!header_is_fine(str_of(name), value)) {
		errtext_set(why, "generic.extraHeaders: \"%s\" or its value cannot be sent", name);
		return false;
	}
	spec->headers[spec->n_headers++] = (struct generic_header){ name, value };
	return true;
}

static struct str basic(struct arena *a, const json_t *auth)
{
	struct str user = json_str_at(auth, "username"), password = json_str_at(auth, "password"), out;
	struct buf pair, text;

	buf_init(&pair, user.n + password.n + 1);
	buf_add_str(&pair, user);
	buf_add_c(&pair, ':');
	buf_add_str(&pair, password);
	buf_init(&text, 2 * pair.n + 16);
	buf_add_z(&text, "Basic ");
	base64_write(&text, buf_str(&pair));
	out = arena_str(a, buf_str(&text));
	buf_deinit(&pair);
	buf_deinit(&text);
	return out;
}

/* A missing credential disables the bidder; an empty one is a variable that is not set. */
static bool read_auth(struct arena *a, struct generic_spec *spec, const json_t *auth, struct errtext *why)
{
	static const char *const names[] = { "bearer", "basic", "header", NULL };
	static const char *const needs[][2] = { { "token", NULL },
						{ "username", "password" },
						{ "name", "value" } };
	int type;

	if (!auth)
		return true;
	if (!json_object_get(auth, "type")) {
		errtext_set(why, "generic.auth.type: expected bearer, basic or header");
		return false;
	}
	if (!pick(json_object_get(auth, "type"), "generic.auth.type", names, &type, why))
		return false;
	for (size_t i = 0; i < 2 && needs[type][i]; i++) {
		if (json_str_at(auth, needs[type][i]).n == 0) {
			errtext_set(why, "generic.auth.%s is not configured", needs[type][i]);
			return false;
		}
	}
	if (type == 0)
		return add_header(
			spec, "Authorization",
			str_of(arena_printf(a, "Bearer " STR_FMT, STR_ARG(json_str_at(auth, "token")))), why);
	if (type == 1)
		return add_header(spec, "Authorization", basic(a, auth), why);
	return add_header(spec, json_string_value(json_object_get(auth, "name")), json_str_at(auth, "value"),
			  why);
}

static bool read_headers(struct arena *a, struct generic_spec *spec, const json_t *in, struct errtext *why)
{
	static const char *const names[] = { "json", "content", "none", NULL };
	static const enum ortb_headers values[] = { ORTB_HEADERS_JSON, ORTB_HEADERS_CONTENT,
						    ORTB_HEADERS_NONE };
	json_t *extra = json_object_get(in, "extraHeaders"), *v;
	const char *name;
	int at;

	if (!pick(json_object_get(in, "headers"), "generic.headers", names, &at, why))
		return false;
	spec->rules.headers = values[at];
	spec->headers = ARENA_ARRAY(a, struct generic_header, json_object_size(extra) + 1);
	json_object_foreach (extra, name, v) {
		if (!json_is_string(v)) {
			errtext_set(why, "generic.extraHeaders.%s: expected a text", name);
			return false;
		}
		if (!add_header(spec, name, json_str(v), why))
			return false;
	}
	return read_auth(a, spec, json_object_get(in, "auth"), why);
}

/* The texts of an addition may have placeholders, as endpoints have. */
static bool texts_are_fine(const char *path, const json_t *v, struct errtext *why)
{
	struct str rest = json_str(v), text, name;
	json_t *in = (json_t *)v, *member; /* jansson's iterators take no const */
	const char *key;
	size_t i;

	while (rest.n > 0) {
		if (!generic_macro(&rest, &text, &name)) {
			errtext_set(
				why,
				"generic.set: %s: a placeholder is {{.Name}}, with the name of a parameter",
				path);
			return false;
		}
	}
	json_object_foreach (in, key, member)
		if (!texts_are_fine(path, member, why))
			return false;
	json_array_foreach (in, i, member)
		if (!texts_are_fine(path, member, why))
			return false;
	return true;
}

static bool read_changes(struct generic_spec *spec, const json_t *in, struct errtext *why)
{
	json_t *set = json_object_get(in, "set"), *remove = json_object_get(in, "remove"), *v;
	const char *path;

	json_object_foreach (set, path, v)
		if (!path_is_fine("set", path, why) || !texts_are_fine(path, v, why))
			return false;
	for (size_t i = 0; i < json_array_size(remove); i++)
		if (!path_is_fine("remove", json_string_value(json_array_get(remove, i)), why))
			return false;
	spec->set = set;
	spec->remove = remove;
	return true;
}

/* {status} once becomes the number; the text is no format of its author's. */
static const char *status_text(struct arena *a, const json_t *in, const char *key, const char *fallback)
{
	struct str text = json_str_at(json_object_get(in, "status"), key), doubled;
	struct str first, mark = STR("{status}");

	if (text.n == 0)
		return fallback;
	doubled = ortb_replace(a, text, STR("%"), STR("%%"));
	for (size_t i = 0; i + mark.n <= doubled.n; i++) {
		if (memcmp(doubled.p + i, mark.p, mark.n) != 0)
			continue;
		first = (struct str){ doubled.p, i };
		return arena_printf(a, STR_FMT "%%d" STR_FMT, STR_ARG(first), (int)(doubled.n - i - mark.n),
				    doubled.p + i + mark.n);
	}
	return arena_str(a, doubled).p;
}

static bool read_replies(struct arena *a, struct generic_spec *spec, const json_t *in, struct errtext *why)
{
	static const char *const types[] = { "mtype", "prebid", "imp", NULL };
	static const char *const media[] = { "banner", "video", "audio", "native", "none", NULL };
	static const char *const currencies[] = { "response", "verbatim", "usd", NULL };
	static const enum ortb_currency values[] = { ORTB_CURRENCY_OR_USD, ORTB_CURRENCY_VERBATIM,
						     ORTB_CURRENCY_USD };
	const json_t *order = json_object_get(in, "type");
	struct ortb_status *status = ARENA_NEW(a, struct ortb_status);
	int at;

	spec->n_types = order ? json_array_size(order) : GENERIC_TYPES;
	if (spec->n_types > GENERIC_TYPES) {
		errtext_set(why, "generic.type: expected at most %d", GENERIC_TYPES);
		return false;
	}
	for (size_t i = 0; i < spec->n_types; i++) {
		if (!pick(json_array_get(order, i), "generic.type", types, &at, why))
			return false;
		spec->types[i] = order ? (enum generic_type)at : (enum generic_type)i;
	}
	if (!pick(json_object_get(in, "defaultType"), "generic.defaultType", media, &at, why))
		return false;
	spec->default_media = media_parse(str_of(media[at]));
	if (!pick(json_object_get(in, "currency"), "generic.currency", currencies, &at, why))
		return false;
	spec->rules.currency = values[at];
	*status = ortb_status_s1;
	status->bad_request = status_text(a, in, "badRequest", status->bad_request);
	status->other = status_text(a, in, "other", status->other);
	spec->rules.status = status;
	spec->no_bid = json_object_get(in, "noBid");
	return true;
}

bool generic_macro(struct str *rest, struct str *ret_text, struct str *ret_name)
{
	size_t i = 0, end;

	*ret_name = STR("");
	while (i + 1 < rest->n && !(rest->p[i] == '{' && rest->p[i + 1] == '{'))
		i++;
	if (i + 1 >= rest->n) {
		*ret_text = *rest;
		*rest = STR("");
		return true;
	}
	*ret_text = (struct str){ rest->p, i };
	for (end = i + 2; end + 1 < rest->n && !(rest->p[end] == '}' && rest->p[end + 1] == '}');)
		end++;
	if (end + 1 >= rest->n || rest->p[i + 2] != '.' || end - i - 3 == 0 || end - i - 3 > GENERIC_NAME_MAX)
		return false;
	*ret_name = (struct str){ rest->p + i + 3, end - i - 3 };
	*rest = (struct str){ rest->p + end + 2, rest->n - end - 2 };
	return true;
}

/* Whether a placeholder behind this text stands where the host is. */
static bool is_in_host(struct str before)
{
	const char *host = before.n ? memmem(before.p, before.n, "://", 3) : NULL;
	size_t i = host ? (size_t)(host + 3 - before.p) : before.n;

	while (i < before.n && before.p[i] != '/' && before.p[i] != '?' && before.p[i] != '#')
		i++;
	return i == before.n;
}

static bool check_endpoint(struct bidder *b, struct generic_spec *spec, struct errtext *why)
{
	struct str endpoint = str_of(b->endpoint), rest = endpoint, text, name;

	while (rest.n > 0) {
		struct str before = { endpoint.p, endpoint.n - rest.n };

		if (!generic_macro(&rest, &text, &name)) {
			errtext_set(why,
				    "endpoint: a placeholder is {{.Name}}, with the name of a parameter");
			return false;
		}
		before.n += text.n;
		spec->has_macros |= name.n > 0;
		b->public_only |= name.n > 0 && is_in_host(before);
	}
	return true;
}

int generic_build(struct bidder *b, struct arena *a, struct errtext *why)
{
	static const char *const splits[] = { "together", "imp", "mediaType", NULL };
	struct generic_spec *spec = ARENA_NEW(a, struct generic_spec);
	json_t *given = json_object_get(b->info->root, "generic"), *in;
	struct errtext where = { "" };
	int split;

	in = typed_decode(given ? given : json_null(), &table, NULL, &where);
	if (!in) {
		errtext_set(why, "generic.%s", where.text);
		return ERR_INPUT;
	}
	arena_own_json(a, in);
	spec->seat_from_response = json_bool_at(b->info->root, "seatFromResponse", false);
	spec->rules.each_bid = generic_bid;
	if (!all_known(given, &table, "generic", why) ||
	    !all_known(json_object_get(given, "auth"), &auth_table, "generic.auth", why) ||
	    !all_known(json_object_get(given, "status"), &status_table, "generic.status", why) ||
	    !check_endpoint(b, spec, why) ||
	    !pick(json_object_get(in, "split"), "generic.split", splits, &split, why) ||
	    !read_params(a, spec, json_object_get(in, "params"), why) || !read_headers(a, spec, in, why) ||
	    !read_changes(spec, in, why) || !read_replies(a, spec, in, why))
		return ERR_INPUT;
	spec->split = (enum generic_split)split;
	b->state = spec;
	return 0;
}
