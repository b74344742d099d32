#include "idr/intake/shared_docs.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "idr/core/settings.h"
#include "idr/floors/validate.h"

struct shared_doc *shared_doc_new(struct str field, struct str body, struct str actor, int64_t ms)
{
	struct shared_doc *d = xcalloc(1, sizeof *d);

	d->field = xstrndup(field.p, field.n);
	d->body = xstrndup(body.p, body.n);
	d->actor = xstrndup(actor.p, actor.n);
	d->ms = ms;
	return d;
}

struct shared_doc *shared_doc_of(const struct store_doc *d)
{
	FREE_ON_EXIT char *field = xasprintf(STR_FMT "/" STR_FMT, STR_ARG(d->kind), STR_ARG(d->key));

	return shared_doc_new(str_of(field), d->deleted ? STR("") : d->body, d->actor, d->updated_ms);
}

void shared_docs_free(struct shared_doc *list)
{
	while (list) {
		struct shared_doc *next = list->next;

		free(list->field);
		free(list->body);
		free(list->actor);
		free(list);
		list = next;
	}
}

char *shared_doc_write(const struct shared_doc *d)
{
	json_t *j = json_object();
	struct buf b;

	json_set_int(j, "ms", d->ms);
	json_set_str(j, "actor", str_of(d->actor));
	json_set_str(j, "body", str_of(d->body));
	buf_init(&b, 64u << 20);
	json_write(&b, j);
	json_decref(j);
	return buf_take(&b);
}

static int check_settings(const json_t *j, struct errtext *why)
{
	struct settings s;

	return settings_parse(j, &s, why);
}

static int check_object(const json_t *j, struct errtext *why)
{
	errtext_set(why, "not an object");
	return json_is_object(j) ? 0 : -1;
}

static const struct {
	struct str kind;
	int (*check)(const json_t *j, struct errtext *why);
} kinds[] = {
	{ STR("settings"), check_settings }, { STR("floors"), floors_validate },
	{ STR("request"), check_object },    { STR("imp"), check_object },
	{ STR("account"), check_object },
};

/* As strict as the endpoint through which such a document comes in elsewhere. */
static bool is_sound(struct str kind, struct str key, struct str body, struct errtext *why)
{
	errtext_set(why, "no such kind of document");
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		json_t *j;
		bool ok;

		if (!str_eq(kind, kinds[k].kind) || key.n == 0)
			continue;
		if (body.n == 0)
			return true;
		j = json_parse(body, why);
		ok = j && kinds[k].check(j, why) == 0;
		json_decref(j);
		return ok;
	}
	return false;
}

struct shared_doc *shared_doc_parse(struct str field, struct str value)
{
	struct errtext why = { "" };
	struct str key = field, kind = str_cut(&key, '/'), body;
	json_t *j = json_parse(value, &why);
	struct shared_doc *d = NULL;

	body = json_str(json_object_get(j, "body"));
	if (j && is_sound(kind, key.p ? key : STR(""), body, &why))
		d = shared_doc_new(field, body, json_str(json_object_get(j, "actor")),
				   (int64_t)json_num_at(j, "ms", 0));
	else
		log_limited(LOG_WARN, "shared_document_ignored", LOG_STR("name", field),
			    LOG_Z("error", why.text));
	json_decref(j);
	return d;
}

static int compare(const struct shared_doc *a, const struct shared_doc *b)
{
	return a->ms != b->ms ? (a->ms > b->ms ? 1 : -1) : strcmp(a->body, b->body);
}

static void take_newest(void *arg, const struct store_doc *d)
{
	struct shared_doc **newest = arg;

	if (!*newest)
		*newest = shared_doc_of(d);
}

static void take_all(void *arg, const struct store_doc *d)
{
	struct shared_doc **list = arg, *one = shared_doc_of(d);

	one->next = *list;
	*list = one;
}

static int merge_one(struct store *s, const struct shared_doc *d, struct shared_doc **ours, size_t *taken,
		     bool *settings, struct errtext *why)
{
	struct str key = str_of(d->field), kind = str_cut(&key, '/');
	struct shared_doc *mine = NULL;
	int err = s->ops->doc_history(s, kind, key, take_newest, &mine, why), order;

	if (err)
		return err;
	order = mine ? compare(mine, d) : -1;
	if (order < 0) {
		err = s->ops->doc_put(s,
				      &(struct store_doc){ .kind = kind,
							   .key = key,
							   .body = str_of(d->body),
							   .actor = str_of(d->actor),
							   .address = STR("redis"),
							   .updated_ms = d->ms },
				      NULL, why);
		*taken += !err;
		*settings |= str_eq(kind, STR("settings"));
	}
	if (order > 0) {
		mine->next = *ours;
		*ours = mine;
	} else {
		shared_docs_free(mine);
	}
	return err;
}

static int by_field(const void *a, const void *b)
{
	return strcmp((*(struct shared_doc *const *)a)->field, (*(struct shared_doc *const *)b)->field);
}

/* Those of ours that they have no version of. */
static int add_missing(struct store *s, const struct shared_doc *theirs, struct shared_doc **ours,
		       struct errtext *why)
{
	const struct shared_doc **sorted;
	struct shared_doc *mine = NULL, *next;
	size_t n = 0;
	int err = 0;

	for (const struct shared_doc *d = theirs; d; d = d->next)
		n++;
	sorted = xcalloc(n + 1, sizeof *sorted);
	n = 0;
	for (const struct shared_doc *d = theirs; d; d = d->next)
		sorted[n++] = d;
	qsort(sorted, n, sizeof(struct shared_doc *), by_field);
	for (size_t k = 0; k < ARRAY_LEN(kinds) && !err; k++)
		err = s->ops->docs(s, kinds[k].kind, STR(""), take_all, &mine, why);
	for (; mine; mine = next) {
		next = mine->next;
		mine->next = NULL;
		if (bsearch(&mine, sorted, n, sizeof(struct shared_doc *), by_field)) {
			shared_docs_free(mine);
		} else {
			mine->next = *ours;
			*ours = mine;
		}
	}
	free(sorted);
	return err;
}

int shared_docs_merge(struct store *s, const struct shared_doc *theirs, bool all,
		      struct shared_doc **ret_ours, size_t *ret_taken, bool *ret_settings,
		      struct errtext *why)
{
	struct shared_doc *ours = NULL;
	int err = 0;

	*ret_taken = 0;
	*ret_settings = false;
	for (const struct shared_doc *d = theirs; d && !err; d = d->next)
		err = merge_one(s, d, &ours, ret_taken, ret_settings, why);
	if (!err && all)
		err = add_missing(s, theirs, &ours, why);
	if (err) {
		shared_docs_free(ours);
		ours = NULL;
	}
	*ret_ours = ours;
	return err;
}
