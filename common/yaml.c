/* Built on libyaml's event interface rather than its document one: events carry the line of every node, and
 * the bounds (nodes, depth) hold while the tree grows instead of after. An alias is copied, not shared, so
 * that later stages may change the tree in place; the node budget is what stops a file whose aliases double
 * at each level. */
#include "common/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"

enum { PATH_MAX_BYTES = 4096 };

struct reader {
	yaml_parser_t parser;
	const char *name;
	json_t *anchors; /* name → finished node, so an alias inside its own anchor is unknown */
	json_t *lines;   /* NULL = nobody asked */
	struct buf path; /* of the node being read */
	size_t nodes;
	struct errtext *why;
};

static json_t *read_node(struct reader *r, yaml_event_t *e, unsigned depth);

static json_t *fail_at(struct reader *r, size_t line, const char *what, struct str detail)
{
	if (detail.n > 200)
		detail.n = 200;
	errtext_set(r->why, "%s line %zu: %s" STR_FMT, r->name, line + 1, what, STR_ARG(detail));
	return NULL;
}

static bool next_event(struct reader *r, yaml_event_t *e)
{
	if (yaml_parser_parse(&r->parser, e))
		return true;
	fail_at(r, r->parser.problem_mark.line, r->parser.problem ? r->parser.problem : "malformed YAML",
		STR(""));
	return false;
}

static struct str text_of(const yaml_char_t *p, size_t n)
{
	return (struct str){ (const char *)p, n };
}

static bool is_one_of(struct str s, const char *const *names)
{
	for (; *names; names++)
		if (str_eq(s, str_of(*names)))
			return true;
	return false;
}

/* 0x1f and 0o17; str_parse_* know decimal only. */
static bool parse_radix(struct str s, unsigned base, int64_t *ret_v)
{
	uint64_t v = 0;

	if (s.n < 3 || s.n > 2 + 16)
		return false;
	for (size_t i = 2; i < s.n; i++) {
		int digit = str_hex_digit(s.p[i]);

		if (digit < 0 || (unsigned)digit >= base || v > (uint64_t)INT64_MAX / base)
			return false;
		v = v * base + (unsigned)digit;
	}
	if (v > (uint64_t)INT64_MAX)
		return false;
	*ret_v = (int64_t)v;
	return true;
}

/* A number the way people write it: no leading zero ("007" is a name), at least one digit. */
static bool looks_decimal(struct str s)
{
	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		s.p++;
		s.n--;
	}
	if (s.n == 0 || (s.p[0] != '.' && (s.p[0] < '0' || s.p[0] > '9')))
		return false;
	return !(s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9');
}

json_t *yaml_scalar(struct str s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	struct str digits = s;
	int64_t i;
	double d;

	if (is_one_of(s, nulls))
		return json_null();
	if (is_one_of(s, trues))
		return json_true();
	if (is_one_of(s, falses))
		return json_false();
	if ((str_starts(s, STR("0x")) && parse_radix(s, 16, &i)) ||
	    (str_starts(s, STR("0o")) && parse_radix(s, 8, &i)))
		return json_integer(i);
	if (looks_decimal(s)) {
		if (s.p[0] == '+') {
			digits.p++;
			digits.n--;
		}
		if (str_parse_i64(digits, INT64_MIN, INT64_MAX, &i))
			return json_integer(i);
		if (str_parse_double(digits, &d))
			return json_real(d);
	}
	return json_stringn(s.p, s.n);
}

static json_t *read_scalar(struct reader *r, const yaml_event_t *e)
{
	struct str s = text_of(e->data.scalar.value, e->data.scalar.length);
	struct str tag = str_of((const char *)e->data.scalar.tag);
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	json_t *j;

	if (s.n && memchr(s.p, '\0', s.n))
		return fail_at(r, e->start_mark.line, "NUL in a text", STR(""));
	if (str_eq(tag, STR(YAML_STR_TAG)) || str_eq(tag, STR("!")))
		plain = false;
	else if (tag.n && !str_eq(tag, STR(YAML_INT_TAG)) && !str_eq(tag, STR(YAML_FLOAT_TAG)) &&
		 !str_eq(tag, STR(YAML_BOOL_TAG)) && !str_eq(tag, STR(YAML_NULL_TAG)))
		return fail_at(r, e->start_mark.line, "unknown tag ", tag);
	else if (tag.n)
		plain = true;
	j = plain ? yaml_scalar(s) : json_stringn(s.p, s.n);
	return j ? j : fail_at(r, e->start_mark.line, "text is not UTF-8", STR(""));
}

static size_t count_nodes(const json_t *j)
{
	size_t n = 1, i;
	const char *key;
	json_t *v;

	json_array_foreach ((json_t *)j, i, v)
		n += count_nodes(v);
	json_object_foreach ((json_t *)j, key, v)
		n += count_nodes(v);
	return n;
}

/* Depth of what an alias would hang below the place where it stands: nesting adds up across aliases. */
static unsigned tree_depth(const json_t *j)
{
	unsigned deepest = 0, d;
	size_t i;
	const char *key;
	json_t *v;

	json_array_foreach ((json_t *)j, i, v)
		if ((d = tree_depth(v)) > deepest)
			deepest = d;
	json_object_foreach ((json_t *)j, key, v)
		if ((d = tree_depth(v)) > deepest)
			deepest = d;
	return deepest + 1;
}

static json_t *read_alias(struct reader *r, const yaml_event_t *e, unsigned depth)
{
	const char *name = (const char *)e->data.alias.anchor;
	const json_t *node = json_object_get(r->anchors, name);

	if (!node)
		return fail_at(r, e->start_mark.line, "unknown alias *", str_of(name));
	r->nodes += count_nodes(node);
	if (r->nodes > YAML_MAX_NODES)
		return fail_at(r, e->start_mark.line, "aliases make the document too large", STR(""));
	if (depth + tree_depth(node) > YAML_MAX_DEPTH)
		return fail_at(r, e->start_mark.line, "nested too deeply", STR(""));
	return json_deep_copy(node);
}

static void note_line(struct reader *r, size_t line)
{
	if (r->lines && !r->path.overflow)
		json_object_set_new(r->lines, buf_cstr(&r->path), json_integer((json_int_t)line + 1));
}

/* `<<: *base` or `<<: [*a, *b]`: members that the mapping does not name itself, the first source winning. */
static bool merge_into(struct reader *r, json_t *obj, const json_t *from, size_t line)
{
	size_t i;
	json_t *part;

	if (json_is_object(from)) {
		json_object_update_missing(obj, (json_t *)from);
		return true;
	}
	if (json_is_array(from)) {
		json_array_foreach ((json_t *)from, i, part)
			if (!json_is_object(part))
				break;
		if (i == json_array_size(from)) {
			json_array_foreach ((json_t *)from, i, part)
				json_object_update_missing(obj, part);
			return true;
		}
	}
	fail_at(r, line, "<< needs a mapping or a list of mappings", STR(""));
	return false;
}

/* Reads "key: value" into `obj`; `e` is the key's event. A merge is kept in *merge until the end. */
static bool read_member(struct reader *r, const yaml_event_t *e, json_t *obj, json_t **merge, unsigned depth)
{
	size_t line = e->start_mark.line, path_n = r->path.n;
	struct str key = text_of(e->data.scalar.value, e->data.scalar.length);
	bool is_merge = e->type == YAML_SCALAR_EVENT && str_eq(key, STR("<<")) &&
			e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	yaml_event_t value;
	json_t *j;
	char *k;

	if (e->type != YAML_SCALAR_EVENT || memchr(key.p, '\0', key.n))
		return fail_at(r, line, "a key must be plain text", STR(""));
	k = xstrndup(key.p, key.n);
	if (is_merge ? *merge != NULL : json_object_get(obj, k) != NULL) {
		free(k);
		return fail_at(r, line, "repeated key ", key);
	}
	if (path_n)
		buf_add_c(&r->path, '.');
	buf_add_str(&r->path, key);
	note_line(r, line);
	if (!next_event(r, &value)) {
		free(k);
		return false;
	}
	j = read_node(r, &value, depth);
	yaml_event_delete(&value);
	if (j && is_merge)
		*merge = j;
	else if (j)
		json_object_set_new(obj, k, j);
	free(k);
	r->path.n = path_n;
	r->path.overflow = false;
	return j != NULL;
}

static json_t *read_mapping(struct reader *r, const yaml_event_t *start, unsigned depth)
{
	json_t *obj = json_object(), *merge = NULL;
	bool ok = true, end = false;

	while (ok && !end) {
		yaml_event_t e;

		if (!next_event(r, &e)) {
			ok = false;
			break;
		}
		end = e.type == YAML_MAPPING_END_EVENT;
		if (!end)
			ok = read_member(r, &e, obj, &merge, depth + 1);
		yaml_event_delete(&e);
	}
	if (ok && merge)
		ok = merge_into(r, obj, merge, start->start_mark.line);
	json_decref(merge);
	if (!ok) {
		json_decref(obj);
		return NULL;
	}
	return obj;
}

static json_t *read_sequence(struct reader *r, unsigned depth)
{
	json_t *arr = json_array();

	for (;;) {
		size_t path_n = r->path.n;
		yaml_event_t e;
		json_t *j;

		if (!next_event(r, &e))
			break;
		if (e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return arr;
		}
		buf_addf(&r->path, "[%zu]", json_array_size(arr));
		note_line(r, e.start_mark.line);
		j = read_node(r, &e, depth + 1);
		yaml_event_delete(&e);
		r->path.n = path_n;
		r->path.overflow = false;
		if (!j)
			break;
		json_array_append_new(arr, j);
	}
	json_decref(arr);
	return NULL;
}

static json_t *read_node(struct reader *r, yaml_event_t *e, unsigned depth)
{
	const yaml_char_t *anchor = NULL;
	json_t *j = NULL;

	if (depth > YAML_MAX_DEPTH)
		return fail_at(r, e->start_mark.line, "nested too deeply", STR(""));
	if (++r->nodes > YAML_MAX_NODES)
		return fail_at(r, e->start_mark.line, "too many nodes", STR(""));
	switch (e->type) {
	case YAML_ALIAS_EVENT: return read_alias(r, e, depth);
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		j = read_scalar(r, e);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		j = read_mapping(r, e, depth);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		j = read_sequence(r, depth);
		break;
	default: return fail_at(r, e->start_mark.line, "unexpected end", STR(""));
	}
	if (j && anchor)
		json_object_set_new(r->anchors, (const char *)anchor, json_deep_copy(j));
	if (j && anchor && (r->nodes += count_nodes(j)) > YAML_MAX_NODES) {
		json_decref(j);
		return fail_at(r, e->start_mark.line, "anchors make the document too large", STR(""));
	}
	return j;
}

/* STREAM-START [DOCUMENT-START node DOCUMENT-END] STREAM-END */
static json_t *read_stream(struct reader *r)
{
	json_t *root = NULL;
	bool in_document = false;

	for (;;) {
		yaml_event_t e;
		yaml_event_type_t type;
		bool ok = true;

		if (!next_event(r, &e))
			break;
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT) {
			in_document = true;
			if (root) {
				fail_at(r, e.start_mark.line, "a second document", STR(""));
				ok = false;
			}
		} else if (type == YAML_DOCUMENT_END_EVENT) {
			in_document = false;
		} else if (in_document) {
			root = read_node(r, &e, 1);
			ok = root != NULL;
		}
		yaml_event_delete(&e);
		if (!ok)
			break;
		if (type == YAML_STREAM_END_EVENT)
			return root ? root : json_null();
	}
	json_decref(root);
	return NULL;
}

json_t *yaml_parse_lines(struct str text, const char *name, json_t **ret_lines, struct errtext *why)
{
	struct reader r = { .name = name, .why = why };
	json_t *root = NULL;

	if (!yaml_parser_initialize(&r.parser)) {
		errtext_set(why, "%s: out of memory", name);
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p, text.n);
	buf_init(&r.path, PATH_MAX_BYTES);
	r.anchors = json_object();
	r.lines = ret_lines ? json_object() : NULL;
	root = read_stream(&r);
	yaml_parser_delete(&r.parser);
	buf_deinit(&r.path);
	json_decref(r.anchors);
	if (root && ret_lines)
		*ret_lines = r.lines;
	else
		json_decref(r.lines);
	return root;
}

json_t *yaml_parse(struct str text, const char *name, struct errtext *why)
{
	return yaml_parse_lines(text, name, NULL, why);
}

json_t *yaml_parse_file_lines(const char *path, size_t max_bytes, json_t **ret_lines, struct errtext *why)
{
	struct buf b;
	json_t *root = NULL;

	buf_init(&b, max_bytes);
	if (buf_add_file(&b, path, why))
		root = yaml_parse_lines(buf_str(&b), path, ret_lines, why);
	buf_deinit(&b);
	return root;
}

json_t *yaml_parse_file(const char *path, size_t max_bytes, struct errtext *why)
{
	return yaml_parse_file_lines(path, max_bytes, NULL, why);
}

unsigned yaml_line(const json_t *lines, const char *path)
{
	FREE_ON_EXIT char *p = xstrdup(path);

	for (size_t n = strlen(p); n > 0; n--) {
		if (path[n] != '\0' && path[n] != '.' && path[n] != '[')
			continue;
		p[n] = '\0';
		if (json_object_get(lines, p))
			return (unsigned)json_integer_value(json_object_get(lines, p));
	}
	return 0;
}
