#include "pbs/privacy/gvl.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"

/* A list of small numbers as a set; a number that has no place in the set is one that nobody asks about. */
static uint32_t read_set(const json_t *vendor, const char *key, unsigned max)
{
	const json_t *list = json_object_get(vendor, key);
	uint32_t set = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		int64_t id = json_integer_value(json_array_get(list, i));

		if (id >= 1 && id <= max)
			set |= 1u << (id - 1);
	}
	return set;
}

static void read_vendor(const json_t *tree, struct gvl_vendor *v)
{
	v->known = true;
	v->purposes = read_set(tree, "purposes", 32);
	v->li_purposes = read_set(tree, "legIntPurposes", 32);
	v->flexible_purposes = read_set(tree, "flexiblePurposes", 32);
	v->special_purposes = (uint16_t)read_set(tree, "specialPurposes", 16);
	v->special_features = (uint16_t)read_set(tree, "specialFeatures", 16);
}

/* The id inside the object counts; the key only when it is missing. 0 for neither. */
static uint32_t vendor_id(const char *key, const json_t *vendor)
{
	int64_t id = json_int_at(vendor, "id", 0);
	uint32_t from_key = 0;

	if (!json_is_object(vendor))
		return 0;
	if (id > 0 && id <= UINT16_MAX)
		return (uint32_t)id;
	(void)str_parse_u32(str_of(key), 1, UINT16_MAX, &from_key);
	return from_key;
}

struct gvl *gvl_from_json(const json_t *tree, struct errtext *why)
{
	json_t *vendors = json_object_get(tree, "vendors"), *v;
	int64_t version = json_int_at(tree, "vendorListVersion", 0);
	int64_t specification = json_int_at(tree, "gvlSpecificationVersion", 0);
	uint32_t max_id = 0;
	const char *key;
	struct gvl *g;

	if (!json_is_object(vendors)) {
		errtext_set(why, "not a vendor list: \"vendors\" is missing");
		return NULL;
	}
	if (version < 1 || version > 4095 || specification < 0 || specification > 99) {
		errtext_set(why, "\"vendorListVersion\" must be in 1..4095");
		return NULL;
	}
	json_object_foreach (vendors, key, v) {
		uint32_t id = vendor_id(key, v);

		max_id = id > max_id ? id : max_id;
	}
	g = xcalloc(1, sizeof *g + (max_id + 1) * sizeof g->vendors[0]);
	g->specification = (unsigned)specification;
	g->version = (unsigned)version;
	g->policy_version = (unsigned)(json_int_at(tree, "tcfPolicyVersion", 0) & 0xff);
	g->max_id = max_id;
	json_object_foreach (vendors, key, v) {
		uint32_t id = vendor_id(key, v);

		if (id == 0)
			continue;
		g->n_vendors += !g->vendors[id].known;
		read_vendor(v, &g->vendors[id]);
	}
	return g;
}

struct gvl *gvl_parse(struct str text, struct errtext *why)
{
	json_t *tree = json_parse(text, why);
	struct gvl *g = tree ? gvl_from_json(tree, why) : NULL;

	json_decref(tree);
	return g;
}

void gvl_free(struct gvl *gvl)
{
	free(gvl);
}

const struct gvl_vendor *gvl_find(const struct gvl *gvl, uint32_t id)
{
	return gvl && id <= gvl->max_id && gvl->vendors[id].known ? &gvl->vendors[id] : NULL;
}
