#include "common/api_key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <sys/random.h>

#include "common/base64.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

struct api_keys {
	struct api_key *keys;
	size_t n;
};

struct api_keys *api_keys_new(void)
{
	return xcalloc(1, sizeof(struct api_keys));
}

static void deinit_key(struct api_key *k)
{
	free(k->name);
	free(k->publisher);
	for (size_t i = 0; i < k->n_origins; i++)
		free(k->origins[i]);
	free(k->origins);
}

struct api_keys *api_keys_free(struct api_keys *ks)
{
	if (!ks)
		return NULL;
	for (size_t i = 0; i < ks->n; i++)
		deinit_key(&ks->keys[i]);
	free(ks->keys);
	free(ks);
	return NULL;
}

size_t api_keys_count(const struct api_keys *ks)
{
	return ks->n;
}

static bool parse_hash(struct str hex, unsigned char *ret_hash)
{
	if (hex.n != 2 * (size_t)API_KEY_HASH_BYTES)
		return false;
	for (size_t i = 0; i < API_KEY_HASH_BYTES; i++) {
		int hi = str_hex_digit(hex.p[2 * i]), lo = str_hex_digit(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret_hash[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static int hash_secret(struct str secret, unsigned char *ret_hash, struct errtext *why)
{
	static const struct str prefix = { "sha256:", 7 };

	if (str_starts(secret, prefix)) {
		if (parse_hash((struct str){ secret.p + prefix.n, secret.n - prefix.n }, ret_hash))
			return 0;
		errtext_set(why, "sha256: is not followed by 64 hex digits");
		return ERR_INPUT;
	}
	if (secret.n < API_KEY_MIN_BYTES || secret.n > API_KEY_MAX_BYTES) {
		errtext_set(why, "an API key has %d to %d characters, not %zu", API_KEY_MIN_BYTES,
			    API_KEY_MAX_BYTES, secret.n);
		return ERR_INPUT;
	}
	for (size_t i = 0; i < secret.n; i++)
		if (secret.p[i] <= ' ' || secret.p[i] == 0x7f) {
			errtext_set(why, "a blank, control or non-ASCII character in an API key");
			return ERR_INPUT;
		}
	SHA256((const unsigned char *)secret.p, secret.n, ret_hash);
	return 0;
}

/* Adds the key and lends it, for the caller to fill in what else is known. */
static int add_key(struct api_keys *ks, struct str secret, struct str publisher, struct api_key **ret_key,
		   struct errtext *why)
{
	struct api_key k = { 0 };
	int err = hash_secret(secret, k.hash, why);

	if (err < 0)
		return err;
	if (ks->n >= API_KEYS_MAX) {
		errtext_set(why, "more than %d API keys", API_KEYS_MAX);
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < ks->n; i++)
		if (memcmp(ks->keys[i].hash, k.hash, sizeof k.hash) == 0) {
			errtext_set(why, "an API key is listed twice");
			return ERR_INPUT;
		}
	k.publisher = xstrndup(publisher.n ? publisher.p : "", publisher.n);
	k.name = xasprintf("key-%02x%02x%02x%02x", k.hash[0], k.hash[1], k.hash[2], k.hash[3]);
	ks->keys = xrealloc(ks->keys, (ks->n + 1) * sizeof k);
	ks->keys[ks->n] = k;
	*ret_key = &ks->keys[ks->n++];
	return 0;
}

int api_keys_add(struct api_keys *ks, struct str text, struct errtext *why)
{
	struct api_key *k;
	struct str secret, rest = str_trim(text);

	if (str_starts(rest, STR("sha256:"))) {
		size_t n = 7;

		while (n < rest.n && rest.p[n] != ':')
			n++;
		secret = (struct str){ rest.p, n };
		rest = n < rest.n ? (struct str){ rest.p + n + 1, rest.n - n - 1 } : STR("");
	} else {
		secret = str_cut(&rest, ':');
	}
	return add_key(ks, secret, rest, &k, why);
}

static int add_line(struct api_keys *ks, struct str line, size_t number, struct errtext *why)
{
	line = str_cut(&line, '#');
	while (line.n) {
		size_t n = 0;
		int err = 0;

		while (n < line.n && !strchr(", \t\r", line.p[n]))
			n++;
		if (n)
			err = api_keys_add(ks, (struct str){ line.p, n }, why);
		if (err < 0) {
			errtext_prefix(why, "line %zu: ", number);
			return err;
		}
		n += n < line.n;
		line.p += n;
		line.n -= n;
	}
	return 0;
}

int api_keys_add_list(struct api_keys *ks, struct str text, struct errtext *why)
{
	for (size_t number = 1; text.p; number++) {
		int err = add_line(ks, str_cut(&text, '\n'), number, why);

		if (err < 0)
			return err;
	}
	return 0;
}

static int add_origins(struct api_key *k, const json_t *list, struct errtext *why)
{
	size_t i;
	json_t *v;

	json_array_foreach ((json_t *)list, i, v)
		if (!json_is_string(v)) {
			errtext_set(why, "origins[%zu] is not a text", i);
			return ERR_INPUT;
		}
	k->origins = xcalloc(json_array_size(list), sizeof *k->origins);
	json_array_foreach ((json_t *)list, i, v)
		k->origins[k->n_origins++] = xstrdup(json_string_value(v));
	return 0;
}

static int add_object(struct api_keys *ks, const json_t *j, struct errtext *why)
{
	static const char *const known[] = { "key", "publisher", "name", "origins" };
	const json_t *origins = json_object_get(j, "origins");
	struct str name = json_str_at(j, "name");
	struct api_key *k;
	const char *member;
	json_t *v;
	int err;

	json_object_foreach ((json_t *)j, member, v) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strcmp(known[i], member) != 0)
			i++;
		if (i == ARRAY_LEN(known) || (i == 3 ? !json_is_array(v) : !json_is_string(v))) {
			errtext_set(why, "%s: %s", member,
				    i == ARRAY_LEN(known) ? "unknown member"
				    : i == 3              ? "must be a list"
							  : "must be a text");
			return ERR_INPUT;
		}
	}
	err = add_key(ks, json_str_at(j, "key"), json_str_at(j, "publisher"), &k, why);
	if (err < 0)
		return err;
	if (name.n) {
		free(k->name);
		k->name = xstrndup(name.p, name.n);
	}
	return origins ? add_origins(k, origins, why) : 0;
}

int api_keys_add_json(struct api_keys *ks, const json_t *j, struct errtext *why)
{
	size_t i;
	const json_t *v;

	if (json_is_string(j))
		return api_keys_add(ks, json_str(j), why);
	if (json_is_object(j))
		return add_object(ks, j, why);
	if (!json_is_array(j)) {
		errtext_set(why, "must be a list of API keys");
		return ERR_INPUT;
	}
	for (i = 0; (v = json_array_get(j, i)); i++) {
		int err = json_is_array(v) ? ERR_INPUT : api_keys_add_json(ks, v, why);

		if (json_is_array(v))
			errtext_set(why, "must be a text or a mapping");
		if (err < 0) {
			errtext_prefix(why, "[%zu]: ", i);
			return err;
		}
	}
	return 0;
}

struct str api_key_from_headers(struct str x_api_key, struct str authorization)
{
	static const struct str bearer = { "bearer ", 7 };

	x_api_key = str_trim(x_api_key);
	if (x_api_key.n)
		return x_api_key;
	authorization = str_trim(authorization);
	if (authorization.n <= bearer.n || !str_eq_nocase((struct str){ authorization.p, bearer.n }, bearer))
		return STR("");
	return str_trim((struct str){ authorization.p + bearer.n, authorization.n - bearer.n });
}

const struct api_key *api_keys_find(const struct api_keys *ks, struct str key)
{
	unsigned char hash[API_KEY_HASH_BYTES];
	const struct api_key *found = NULL;

	if (key.n == 0 || key.n > API_KEY_MAX_BYTES)
		return NULL;
	SHA256((const unsigned char *)key.p, key.n, hash);
	for (size_t i = 0; i < ks->n; i++)
		if (CRYPTO_memcmp(ks->keys[i].hash, hash, sizeof hash) == 0)
			found = &ks->keys[i];
	return found;
}

bool api_key_allows_publisher(const struct api_key *k, struct str publisher)
{
	return *k->publisher == '\0' || str_eq(publisher, str_of(k->publisher));
}

bool api_key_allows_origin(const struct api_key *k, struct str origin)
{
	if (k->n_origins == 0 || origin.n == 0)
		return true;
	for (size_t i = 0; i < k->n_origins; i++)
		if (str_eq_nocase(origin, str_of(k->origins[i])))
			return true;
	return false;
}

bool api_key_generate(char ret_text[API_KEY_TEXT + 1])
{
	char bytes[32];
	struct buf b;
	bool ok = getrandom(bytes, sizeof bytes, 0) == sizeof bytes;

	if (!ok)
		return false;
	buf_init(&b, API_KEY_TEXT);
	buf_add_z(&b, "nx_");
	base64url_write(&b, (struct str){ bytes, sizeof bytes });
	memcpy(ret_text, buf_cstr(&b), b.n + 1);
	buf_deinit(&b);
	OPENSSL_cleanse(bytes, sizeof bytes);
	return true;
}
