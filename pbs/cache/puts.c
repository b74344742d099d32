#include "pbs/cache/puts.h"

#include "common/err.h"
#include "common/json.h"
#include "common/uuid.h"

enum { VALUE_MAX = 64 << 20 };

static int fail(struct errtext *why, const char *text)
{
	errtext_set(why, "%s", text);
	return ERR_INPUT;
}

/* The bytes to keep: XML is the text of a JSON string, JSON is what it is. */
static void render(const json_t *put, struct buf *b)
{
	const json_t *value = json_object_get(put, "value");

	buf_clear(b);
	if (json_is_string(value) && str_eq(json_str_at(put, "type"), STR("xml")))
		buf_add_str(b, json_str(value));
	else
		json_write(b, value);
}

static int check(const json_t *put, size_t i, const struct cache_rules *rules, struct buf *bytes,
		 struct errtext *why)
{
	struct str type = json_str_at(put, "type");
	const json_t *value = json_object_get(put, "value"), *ttl = json_object_get(put, "ttlseconds");
	const json_t *key = json_object_get(put, "key");

	if (!json_is_object(put) || (ttl && !json_is_integer(ttl)) || (key && !json_is_string(key)))
		return fail(why,
			    "POST /cache had an invalid request body: an element of puts has a wrong type");
	if (!value || json_is_null(value))
		return fail(why, "Missing value.");
	if (json_integer_value(ttl) < 0) {
		errtext_set(why, "ttlseconds must not be negative %lld.", (long long)json_integer_value(ttl));
		return ERR_INPUT;
	}
	if (!str_eq(type, STR("json")) && !str_eq(type, STR("xml"))) {
		errtext_set(why, "Type must be one of [\"json\", \"xml\"]. Found '%.*s'",
			    (int)(type.n < 100 ? type.n : 100), type.p);
		return ERR_INPUT;
	}
	if (str_eq(type, STR("xml")) && !json_is_string(value))
		return fail(why, "XML messages must have a String value.");
	if (rules->keys && json_string_length(key) > CACHE_KEY_MAX) {
		errtext_set(why, "POST /cache element %zu has a key longer than %d bytes", i, CACHE_KEY_MAX);
		return ERR_INPUT;
	}
	render(put, bytes);
	if (bytes->overflow || (rules->max_value_bytes && bytes->n > rules->max_value_bytes)) {
		errtext_set(why,
			    "POST /cache element %zu exceeded max size: Payload size %zu exceeded max %zu", i,
			    bytes->n, rules->max_value_bytes);
		return ERR_INPUT;
	}
	return 0;
}

static uint64_t ttl_ms(const json_t *put, const struct cache_rules *rules)
{
	int64_t asked = json_int_at(put, "ttlseconds", 0);
	uint64_t ttl_s = asked > 0 ? (uint64_t)asked : rules->default_ttl_s;

	return (ttl_s < rules->max_ttl_s ? ttl_s : rules->max_ttl_s) * 1000;
}

static void store(struct cache_store *s, const json_t *put, const struct cache_rules *rules,
		  struct buf *bytes, struct rng *rng, uint64_t now_ms, struct buf *reply)
{
	enum cache_type type = str_eq(json_str_at(put, "type"), STR("xml")) ? CACHE_XML : CACHE_JSON;
	struct str key = rules->keys ? json_str_at(put, "key") : STR("");
	char uuid[UUID_TEXT + 1];

	if (key.n == 0) {
		uuid_v4(rng, uuid);
		key = str_of(uuid);
	}
	render(put, bytes);
	if (!cache_store_put(s, key, type, buf_str(bytes), ttl_ms(put, rules), now_ms))
		key = STR("");
	buf_add_z(reply, "{\"uuid\":");
	json_write_str(reply, key);
	buf_add_c(reply, '}');
}

static int run(struct cache_store *s, const struct cache_rules *rules, const json_t *body, struct rng *rng,
	       uint64_t now_ms, struct buf *bytes, struct buf *reply, struct errtext *why)
{
	const json_t *puts = json_object_get(body, "puts"), *put;
	size_t i;

	if (!json_is_array(puts))
		return fail(why, "POST /cache had an invalid request body: puts is not an array");
	if (rules->max_puts && json_array_size(puts) > rules->max_puts) {
		errtext_set(why, "More keys than allowed: %zu", rules->max_puts);
		return ERR_INPUT;
	}
	json_array_foreach (puts, i, put)
		if (check(put, i, rules, bytes, why) < 0)
			return ERR_INPUT;
	buf_add_z(reply, "{\"responses\":[");
	json_array_foreach (puts, i, put) {
		if (i)
			buf_add_c(reply, ',');
		store(s, put, rules, bytes, rng, now_ms, reply);
	}
	buf_add_z(reply, "]}");
	return 0;
}

int cache_puts(struct cache_store *s, const struct cache_rules *rules, struct str body, struct rng *rng,
	       uint64_t now_ms, struct buf *ret_reply, struct errtext *why)
{
	json_auto_t *j = json_parse(body, why);
	struct buf bytes;
	int err;

	if (!j) {
		errtext_prefix(why, "POST /cache had an invalid request body: ");
		return ERR_INPUT;
	}
	buf_init(&bytes, VALUE_MAX);
	err = run(s, rules, j, rng, now_ms, &bytes, ret_reply, why);
	buf_deinit(&bytes);
	return err;
}
