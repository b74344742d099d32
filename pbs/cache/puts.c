#include "pbs/cache/puts.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
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

	if (json_is_string(value) && str_eq(json_str_at(put, "type"), STR("xml")))
		buf_add_str(b, json_str(value));
	else
		json_write(b, value);
}

static int check_shape(const json_t *put, struct errtext *why)
{
	const json_t *value = json_object_get(put, "value"), *ttl = json_object_get(put, "ttlseconds");
	const json_t *key = json_object_get(put, "key");
	struct str type = json_str_at(put, "type");

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
	return 0;
}

static uint64_t ttl_ms(const json_t *put, const struct cache_rules *rules)
{
	int64_t asked = json_int_at(put, "ttlseconds", 0);
	uint64_t ttl_s = asked > 0 ? (uint64_t)asked : rules->default_ttl_s;

	return (ttl_s < rules->max_ttl_s ? ttl_s : rules->max_ttl_s) * 1000;
}

static void set_key(struct cache_put *p, struct str key, struct rng *rng)
{
	if (key.n) {
		memcpy(p->key, key.p, key.n);
		p->key_n = key.n;
	} else {
		uuid_v4(rng, p->key);
		p->key_n = UUID_TEXT;
	}
}

static int take(struct cache_put *p, const json_t *put, size_t i, const struct cache_rules *rules,
		struct rng *rng, struct errtext *why)
{
	struct str key = rules->keys ? json_str_at(put, "key") : STR("");

	buf_init(&p->bytes, VALUE_MAX);
	if (check_shape(put, why) < 0)
		return ERR_INPUT;
	if (key.n > CACHE_KEY_MAX) {
		errtext_set(why, "POST /cache element %zu has a key longer than %d bytes", i, CACHE_KEY_MAX);
		return ERR_INPUT;
	}
	render(put, &p->bytes);
	if (p->bytes.overflow || (rules->max_value_bytes && p->bytes.n > rules->max_value_bytes)) {
		errtext_set(why,
			    "POST /cache element %zu exceeded max size: Payload size %zu exceeded max %zu", i,
			    p->bytes.n, rules->max_value_bytes);
		return ERR_INPUT;
	}
	set_key(p, key, rng);
	p->type = str_eq(json_str_at(put, "type"), STR("xml")) ? CACHE_XML : CACHE_JSON;
	p->ttl_ms = ttl_ms(put, rules);
	return 0;
}

static struct cache_batch *take_all(const json_t *body, const struct cache_rules *rules, struct rng *rng,
				    struct errtext *why)
{
	const json_t *puts = json_object_get(body, "puts"), *put;
	struct cache_batch *b;
	size_t i;

	if (!json_is_array(puts)) {
		(void)fail(why, "POST /cache had an invalid request body: puts is not an array");
		return NULL;
	}
	if (rules->max_puts && json_array_size(puts) > rules->max_puts) {
		errtext_set(why, "More keys than allowed: %zu", rules->max_puts);
		return NULL;
	}
	b = xcalloc(1, sizeof *b + json_array_size(puts) * sizeof *b->puts);
	json_array_foreach (puts, i, put) {
		b->n = i + 1;
		if (take(&b->puts[i], put, i, rules, rng, why) < 0) {
			cache_batch_free(b);
			return NULL;
		}
		b->bytes += b->puts[i].bytes.n;
	}
	return b;
}

struct cache_batch *cache_batch_parse(struct str body, const struct cache_rules *rules, struct rng *rng,
				      struct errtext *why)
{
	json_auto_t *j = json_parse(body, why);

	if (!j) {
		errtext_prefix(why, "POST /cache had an invalid request body: ");
		return NULL;
	}
	return take_all(j, rules, rng, why);
}

void cache_batch_answer(const struct cache_batch *b, struct buf *reply)
{
	buf_add_z(reply, "{\"responses\":[");
	for (size_t i = 0; i < b->n; i++) {
		buf_add_z(reply, i ? ",{\"uuid\":" : "{\"uuid\":");
		json_write_str(reply, b->puts[i].stored ? cache_put_key(&b->puts[i]) : STR(""));
		buf_add_c(reply, '}');
	}
	buf_add_z(reply, "]}");
}

void cache_batch_free(struct cache_batch *b)
{
	for (size_t i = 0; b && i < b->n; i++)
		buf_deinit(&b->puts[i].bytes);
	free(b);
}
