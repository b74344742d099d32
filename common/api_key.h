/* API keys: several at once, each good for one publisher or for all, from some origins or any.
 *
 * Shapes  one key as text is "key" or "key:publisher"; "sha256:<64 hex>" in place of the key keeps the clear
 *         text out of the configuration. A list separates keys by commas, blanks or line ends; '#' starts a
 *         comment. As JSON: a string of that form, or {"key":"…","publisher":"p1","name":"…",
 *         "origins":["https://example.com"]}, or an array of these.
 * Errors  texts never contain a key.
 * Threads api_keys is immutable once filled; lookups from any thread.
 * Source  keys are kept as SHA-256 only, and all of them are compared in constant time: neither memory nor
 *         timing gives one away.
 */
#ifndef COMMON_API_KEY_H
#define COMMON_API_KEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/errtext.h"
#include "common/str.h"

enum {
	API_KEY_MIN_BYTES = 16,
	API_KEY_MAX_BYTES = 256,
	API_KEY_HASH_BYTES = 32,
	API_KEY_TEXT = 46,   /* of a generated key, without the NUL */
	API_KEYS_MAX = 1000, /* every lookup compares with all of them */
};

struct api_key {
	unsigned char hash[API_KEY_HASH_BYTES];
	char *name;      /* for logs and rate limits; made from the hash when not given */
	char *publisher; /* "" = any */
	char **origins;  /* none = any */
	size_t n_origins;
};

struct api_keys;

struct api_keys *api_keys_new(void);
struct api_keys *api_keys_free(struct api_keys *ks);
size_t api_keys_count(const struct api_keys *ks);

int api_keys_add(struct api_keys *ks, struct str text, struct errtext *why);
int api_keys_add_list(struct api_keys *ks, struct str text, struct errtext *why);
int api_keys_add_json(struct api_keys *ks, const json_t *j, struct errtext *why);

/* The key the caller sent: X-API-Key, else the token of "Authorization: Bearer …"; empty for neither. */
struct str api_key_from_headers(struct str x_api_key, struct str authorization);

/* NULL = unknown. */
const struct api_key *api_keys_find(const struct api_keys *ks, struct str key);
bool api_key_allows_publisher(const struct api_key *k, struct str publisher);
/* `origin` as in the Origin header; a request without one (servers, apps) is the empty text and allowed. */
bool api_key_allows_origin(const struct api_key *k, struct str origin);

/* A new random key, "nx_" and 43 characters of base64url. False when the system has no randomness. */
bool api_key_generate(char ret_text[API_KEY_TEXT + 1]);

#endif
