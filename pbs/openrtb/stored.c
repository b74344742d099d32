#include "pbs/openrtb/stored.h"

#include "common/json.h"
#include "common/mem.h"
#include "common/uuid.h"
#include "pbs/openrtb/ext.h"
#include "pbs/openrtb/report.h"

static struct str stored_imp_id(const json_t *imp)
{
	return json_str_at(imp, "ext.prebid.storedrequest.id");
}

/* The client's imp.ext.prebid must have its types right, whatever is laid under it later. */
static int check_imp_prebid(const json_t *imp, struct messages *m)
{
	json_t *prebid = json_at(imp, "ext.prebid"), *typed;
	struct errtext why = { "" };

	if (!prebid)
		return 0;
	typed = typed_decode(prebid, &ext_imp_prebid, &why, NULL);
	if (!typed)
		return refuse(m, "%s", why.text);
	json_decref(typed);
	return 0;
}

static int collect_imps(const json_t *imps, struct arena *a, struct messages *m, struct stored_ids *ids)
{
	size_t n = json_array_size(imps), n_ids = 0;
	struct str *list = ARENA_ARRAY(a, struct str, n + 1);
	json_t *index = arena_own_json(a, json_object());
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const json_t *imp = json_array_get(imps, i);
		struct str id = stored_imp_id(imp);

		err = check_imp_prebid(imp, m);
		if (err || id.n == 0 || json_object_getn(index, id.p, id.n))
			continue;
		json_object_setn_new_nocheck(index, id.p, id.n, json_integer((json_int_t)n_ids));
		list[n_ids++] = id;
	}
	ids->imps = list;
	ids->n_imps = n_ids;
	ids->imp_index = index;
	return err;
}

int stored_collect(const json_t *incoming, struct arena *a, struct messages *m, struct stored_ids *ret_ids)
{
	const json_t *id = json_at(incoming, "ext.prebid.storedrequest.id");
	struct stored_ids ids = { .request = json_str(id) };
	int err;

	if (id && !json_is_string(id))
		return refuse(m, "ext.prebid.storedrequest.id must be a string");
	if (id && ids.request.n == 0)
		return refuse(m, "Stored Request with ID=\"\" not found.");
	err = collect_imps(json_object_get(incoming, "imp"), a, m, &ids);
	if (err)
		return err;
	*ret_ids = ids;
	return 0;
}

int stored_check(const struct stored_ids *ids, const struct stored_found *found, struct messages *m)
{
	int err = 0;

	if (ids->request.n && !found->request)
		err = refuse(m, "Stored Request with ID=\"" STR_FMT "\" not found.", STR_ARG(ids->request));
	for (size_t i = 0; i < ids->n_imps; i++)
		if (!found->imps[i])
			err = refuse(m, "Stored Imp with ID=\"" STR_FMT "\" not found.",
				     STR_ARG(ids->imps[i]));
	return err;
}

static const char *const account_paths[] = {
	"app.publisher.ext.prebid.parentAccount",  "app.publisher.id",
	"site.publisher.ext.prebid.parentAccount", "site.publisher.id",
	"dooh.publisher.ext.prebid.parentAccount", "dooh.publisher.id",
};

static int find_account(const json_t *body, struct messages *m, struct str *ret_id)
{
	for (size_t i = 0; i < ARRAY_LEN(account_paths); i++) {
		const json_t *id = json_at(body, account_paths[i]);

		if (!id)
			continue;
		if (!json_is_string(id))
			return refuse(m, "%s must be a string", account_paths[i]);
		if (json_string_length(id)) {
			*ret_id = json_str(id);
			return 0;
		}
	}
	return 0;
}

int stored_account_id(const json_t *stored, const json_t *incoming, struct messages *m, struct str *ret_id)
{
	struct str id = STR("");
	int err = find_account(stored, m, &id);

	if (!err && id.n == 0)
		err = find_account(incoming, m, &id);
	if (err)
		return err;
	*ret_id = id.n ? id : STR("unknown");
	return 0;
}

static json_t *id_patch(struct rng *rng)
{
	char uuid[UUID_TEXT + 1];
	json_t *patch = json_object();

	uuid_v4(rng, uuid);
	json_set_str(patch, "id", (struct str){ uuid, UUID_TEXT });
	return patch;
}

static json_t *merge_request(const struct stored_merge *sm, const json_t *stored)
{
	bool wants_id = (sm->generate_request_id && json_object_get(sm->incoming, "app")) ||
			str_eq(json_str_at(stored, "id"), STR("{{UUID}}"));
	json_t *merged, *patch, *with_id;

	if (!wants_id)
		return json_merge_patch(stored, sm->incoming);
	patch = id_patch(sm->rng);
	if (sm->stored_wins) {
		with_id = json_merge_patch(stored, patch);
		merged = json_merge_patch(sm->incoming, with_id);
		json_decref(with_id);
	} else {
		with_id = json_merge_patch(stored, sm->incoming);
		merged = json_merge_patch(with_id, patch);
		json_decref(with_id);
	}
	json_decref(patch);
	return merged;
}

/* The body with everything under it but the stored imps: a new reference, or NULL. */
static json_t *merge_documents(const struct stored_merge *sm, struct messages *m)
{
	const json_t *request = sm->found->request;
	json_t *merged, *under;

	if (sm->ids->request.n == 0) {
		merged = json_incref((json_t *)(uintptr_t)sm->incoming);
	} else if (!json_is_object(request)) {
		(void)refuse(m,
			     "ext.prebid.storedrequest.id refers to Stored Request " STR_FMT
			     " which contains Invalid JSON: not an object",
			     STR_ARG(sm->ids->request));
		return NULL;
	} else {
		merged = merge_request(sm, request);
	}
	if (!sm->default_request)
		return merged;
	if (!json_is_object(sm->default_request)) {
		json_decref(merged);
		(void)refuse(m, "Invalid JSON in Default Request Settings: not an object");
		return NULL;
	}
	under = merged;
	merged = json_merge_patch(sm->default_request, under);
	json_decref(under);
	return merged;
}

static const json_t *find_imp(const struct stored_merge *sm, struct str id)
{
	const json_t *i = json_object_getn(sm->ids->imp_index, id.p, id.n);

	return i ? sm->found->imps[json_integer_value(i)] : NULL;
}

/* An imp that nothing stored completes needs an id of its own. An id of a wrong type, or an imp that is something else
 * than an object or null, is for decoding to describe. */
static int check_imp_id(const json_t *imp, size_t i, struct messages *m)
{
	const json_t *id = json_object_get(imp, "id");

	if ((id && !json_is_null(id)) || !(json_is_object(imp) || json_is_null(imp)))
		return 0;
	return refuse(m, "request.imp[%zu] missing required field: \"id\"\n", i);
}

int stored_check_imp_ids(const json_t *incoming, struct messages *m)
{
	const json_t *imps = json_object_get(incoming, "imp");
	int err = 0;

	for (size_t i = 0; i < json_array_size(imps) && !err; i++)
		err = check_imp_id(json_array_get(imps, i), i, m);
	return err;
}

/* One imp with its stored one under it: a new reference, or NULL. */
static json_t *merge_imp(const struct stored_merge *sm, json_t *imp, size_t i, struct messages *m,
			 struct stored_imps *merged_imps)
{
	struct str id = stored_imp_id(imp);
	const json_t *found = id.n ? find_imp(sm, id) : NULL;
	json_t *merged;

	if (!found)
		return check_imp_id(imp, i, m) < 0 ? NULL : json_incref(imp);
	if (!json_is_object(found)) {
		(void)refuse(m,
			     "Invalid JSON Document: imp.ext.prebid.storedrequest.id " STR_FMT
			     ": Stored Imp has Invalid JSON: not an object",
			     STR_ARG(id));
		return NULL;
	}
	merged = json_merge_patch(found, imp);
	if (!json_is_string(json_object_get(merged, "id"))) {
		json_decref(merged);
		(void)refuse(m, "Key path not found");
		return NULL;
	}
	merged_imps->list[merged_imps->n++] = (struct stored_imp){
		.id = json_str_at(merged, "id"),
		.doc = found,
		.echo_video = json_bool_at(imp, "ext.prebid.options.echovideoattrs", false),
	};
	return merged;
}

/* Puts the merged imps of the incoming body into `request`, which is owned. */
static int merge_imps(const struct stored_merge *sm, json_t *request, struct arena *a, struct messages *m,
		      struct stored_imps *ret_imps)
{
	const json_t *incoming = json_object_get(sm->incoming, "imp");
	json_t *imps;

	*ret_imps = (struct stored_imps){ 0 };
	if (!json_is_array(incoming))
		return 0;
	ret_imps->list = ARENA_ARRAY(a, struct stored_imp, json_array_size(incoming) + 1);
	imps = json_array();
	for (size_t i = 0; i < json_array_size(incoming); i++) {
		json_t *imp = merge_imp(sm, json_array_get(incoming, i), i, m, ret_imps);

		if (!imp) {
			json_decref(imps);
			return ERR_INPUT;
		}
		json_array_append_new(imps, imp);
	}
	json_object_set_new_nocheck(request, "imp", imps);
	return 0;
}

const struct stored_imp *stored_imps_find(const struct stored_imps *si, struct str imp_id)
{
	for (size_t i = 0; i < si->n; i++)
		if (str_eq(si->list[i].id, imp_id))
			return &si->list[i];
	return NULL;
}

int stored_merge(const struct stored_merge *sm, struct arena *a, struct messages *m, json_t **ret_request,
		 struct stored_imps *ret_imps)
{
	json_t *merged = merge_documents(sm, m);
	struct stored_imps imps = { 0 };
	int err = 0;

	if (!merged)
		return ERR_INPUT;
	/* A scalar body is no request, but that is for decoding to say. */
	if (json_is_object(merged)) {
		json_t *own = json_copy(merged);

		json_decref(merged);
		merged = own;
		err = merge_imps(sm, merged, a, m, &imps);
	}
	if (err) {
		json_decref(merged);
		return err;
	}
	*ret_request = merged;
	*ret_imps = imps;
	return 0;
}
