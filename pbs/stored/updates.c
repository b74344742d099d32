#include "pbs/stored/updates.h"

#include "common/err.h"
#include "common/json.h"
#include "pbs/stored/stored.h"

const char *const stored_members[STORED_TOLD_KINDS] = {
	[STORED_REQUEST] = "requests",
	[STORED_IMP] = "imps",
	[STORED_RESPONSE] = "responses",
	[STORED_ACCOUNT] = "accounts",
};

static bool is_gone(const json_t *value)
{
	return !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
	       json_bool_at(value, "deleted", false);
}

void stored_updates_apply(struct stored_cache *c, int kind, struct str id, json_t *value, uint64_t now_ms)
{
	if (is_gone(value))
		stored_cache_forget(c, kind, id);
	else
		stored_cache_put(c, kind, id, now_ms, value);
}

static int check_doc(const json_t *doc, json_type member_type, struct errtext *why)
{
	if (!json_is_object(doc)) {
		errtext_set(why, "not an object");
		return ERR_INPUT;
	}
	for (int kind = 0; kind < STORED_TOLD_KINDS; kind++) {
		const json_t *member = json_object_get(doc, stored_members[kind]);

		if (member && !json_is_null(member) && json_typeof(member) != member_type) {
			errtext_set(why, "%s: must be an %s", stored_members[kind],
				    member_type == JSON_OBJECT ? "object" : "array");
			return ERR_INPUT;
		}
	}
	return 0;
}

int stored_updates_save(struct stored_cache *c, const json_t *doc, uint64_t now_ms, struct errtext *why)
{
	if (check_doc(doc, JSON_OBJECT, why) < 0)
		return ERR_INPUT;
	for (int kind = 0; kind < STORED_TOLD_KINDS; kind++) {
		const char *id;
		size_t n;
		json_t *value;

		json_object_keylen_foreach(json_object_get(doc, stored_members[kind]), id, n, value)
			stored_updates_apply(c, kind, (struct str){ id, n }, value, now_ms);
	}
	return 0;
}

int stored_updates_forget(struct stored_cache *c, const json_t *doc, struct errtext *why)
{
	if (check_doc(doc, JSON_ARRAY, why) < 0)
		return ERR_INPUT;
	for (int kind = 0; kind < STORED_TOLD_KINDS; kind++) {
		const json_t *id;
		size_t i;

		json_array_foreach (json_object_get(doc, stored_members[kind]), i, id)
			stored_cache_forget(c, kind, json_str(id));
	}
	return 0;
}
