#include "pbs/openrtb/topics.h"

#include <stdio.h>

#include "common/json.h"
#include "pbs/openrtb/report.h"

enum { MAX_TOPICS = 10, SEGTAX_BASE = 600, MAX_TAXONOMY = 10 };

struct topic {
	int64_t segtax;
	struct str segclass, ids; /* ids: "1 2 3", all positive integers */
};

static bool all_positive(struct str ids)
{
	bool any = false;

	while (ids.p) {
		struct str id = str_cut(&ids, ' ');
		uint64_t v;

		if (id.n == 0)
			continue;
		if (!str_parse_u64(id, 1, INT32_MAX, &v))
			return false;
		any = true;
	}
	return any;
}

/* "(1 2);v=chrome.1:1:2": ids; version, taxonomy, classifier */
static bool parse_topic(struct str field, struct topic *ret_topic)
{
	struct str ids = str_trim(str_cut(&field, ';')), version, taxonomy;
	struct topic topic;
	uint64_t v;

	if (!field.p || memchr(field.p, ';', field.n) || ids.n < 3 || ids.p[0] != '(' ||
	    ids.p[ids.n - 1] != ')')
		return false;
	topic.ids = (struct str){ ids.p + 1, ids.n - 2 };
	field = str_trim(field);
	version = str_cut(&field, ':');
	if (!str_starts(version, STR("v=chrome.")) || !field.p)
		return false;
	taxonomy = str_cut(&field, ':');
	if (!field.p || memchr(field.p, ':', field.n))
		return false;
	topic.segclass = str_trim(field);
	if (topic.segclass.n == 0 || !str_parse_u64(taxonomy, 1, MAX_TAXONOMY, &v) ||
	    !all_positive(topic.ids))
		return false;
	topic.segtax = SEGTAX_BASE - 1 + (int64_t)v;
	*ret_topic = topic;
	return true;
}

static bool is_same_kind(const json_t *data, const struct topic *t, struct str domain)
{
	return str_eq(json_str_at(data, "name"), domain) && json_int_at(data, "ext.segtax", 0) == t->segtax &&
	       str_eq(json_str_at(data, "ext.segclass"), t->segclass);
}

/* The data object that takes the topic's segments, made when missing; owned by the list. */
static json_t *data_for(json_t *list, const struct topic *t, struct str domain)
{
	json_t *data, *ext;

	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_same_kind(json_array_get(list, i), t, domain))
			return json_own_element(list, i);
	data = json_object();
	json_set_str(data, "name", domain);
	ext = json_own_object(data, "ext");
	json_set_int(ext, "segtax", t->segtax);
	json_set_str(ext, "segclass", t->segclass);
	json_array_append_new(list, data);
	return data;
}

static bool has_segment(const json_t *segments, struct str id)
{
	for (size_t i = 0; i < json_array_size(segments); i++)
		if (str_eq(json_str_at(json_array_get(segments, i), "id"), id))
			return true;
	return false;
}

static void add_topic(json_t *list, const struct topic *t, struct str domain)
{
	json_t *data = data_for(list, t, domain);
	struct str ids = t->ids;

	if (!json_is_array(json_object_get(data, "segment")))
		json_object_set_new_nocheck(data, "segment", json_array());
	while (ids.p) {
		struct str id = str_cut(&ids, ' ');
		json_t *segments = json_own(data, "segment"), *segment;

		if (id.n == 0 || has_segment(segments, id))
			continue;
		segment = json_object();
		json_set_str(segment, "id", id);
		json_array_append_new(segments, segment);
	}
}

static json_t *own_user_data(json_t *req)
{
	json_t *user = json_own_object(req, "user");

	if (!json_is_array(json_object_get(user, "data")))
		json_object_set_new_nocheck(user, "data", json_array());
	return json_own(user, "data");
}

/* Warnings repeat the field, so it must be text that JSON can carry. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

void topics_add(json_t *req, struct str header, struct str domain, struct messages *m)
{
	json_t *list = NULL;
	size_t n = 0;

	if (domain.n == 0 || header.n == 0)
		return;
	while (header.p) {
		struct str field = str_trim(str_cut(&header, ','));
		struct topic topic;
		bool ok;

		if (field.n == 0 || str_starts(field, STR("();p=")))
			continue;
		ok = is_printable(field) && (n >= MAX_TOPICS || parse_topic(field, &topic));
		if (ok && n < MAX_TOPICS) {
			if (!list)
				list = own_user_data(req);
			add_topic(list, &topic, domain);
			n++;
		} else {
			warn_debug(m, WARN_TOPICS,
				   "Invalid field in Sec-Browsing-Topics header: " STR_FMT "%s",
				   STR_ARG(is_printable(field) ? field : STR("(not printable)")),
				   ok ? " discarded due to limit reached." : "");
		}
	}
}
