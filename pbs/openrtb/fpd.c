#include "pbs/openrtb/fpd.h"

#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/model.h"
#include "pbs/openrtb/report.h"

enum {
	MAX_FINDINGS_TEXT = 16 * 1024,
	MAX_BIDDERS = 1000,   /* bounds the search by name, which is linear */
	MAX_CONFIGURED = 256, /* each has the request's whole site, app, user or device decoded again */
};

json_t *fpd_overlay(const json_t *base, const json_t *over)
{
	json_t *merged = json_is_object(base) ? json_copy((json_t *)(uintptr_t)base) : json_object();
	const char *key;
	json_t *v;
	size_t len;

	json_object_keylen_foreach((json_t *)(uintptr_t)over, key, len, v)
	{
		json_t *was = json_object_getn(merged, key, len);
		bool is_ext = str_eq((struct str){ key, len }, STR("ext"));

		if (json_is_null(v)) {
			if (!is_ext && (json_is_object(was) || json_is_array(was)))
				json_object_deln(merged, key, len);
		} else if (is_ext) {
			json_object_setn_new_nocheck(merged, key, len, json_merge_patch(was, v));
		} else if (json_is_object(v)) {
			json_object_setn_new_nocheck(merged, key, len, fpd_overlay(was, v));
		} else {
			json_object_setn_nocheck(merged, key, len, v);
		}
	}
	return merged;
}

struct prepare {
	const json_t *req;
	struct arena *a;
	struct fpd *fpd;
	struct buf findings;
};

static void complain(struct prepare *p, const char *fmt, struct str bidder)
{
	if (p->findings.n)
		buf_add_c(&p->findings, ',');
	/* The formats are this file's own, each with one name in it. */
	for (const char *c = fmt; *c; c++) {
		if (*c == '@')
			buf_add_str(&p->findings, bidder);
		else
			buf_add_c(&p->findings, *c);
	}
}

/* obj.parent.key taken out of a copy; the very same object, one more reference, when it is not there. An ext that holds
 * nothing else goes with it, another object stays. */
static json_t *without(json_t *obj, const char *parent, const char *key)
{
	json_t *inner;

	if (!json_object_get(json_object_get(obj, parent), key))
		return json_incref(obj);
	obj = json_copy(obj);
	inner = json_own(obj, parent);
	json_object_del(inner, key);
	if (json_object_size(inner) == 0 && strcmp(parent, "ext") == 0)
		json_object_del(obj, parent);
	return obj;
}

/* Takes and gives a reference. */
static json_t *strip(json_t *obj, const char *parent, const char *key)
{
	json_t *stripped = without(obj, parent, key);

	json_decref(obj);
	return stripped;
}

/* Hands a reference to the arena; NULL is fine. */
static json_t *keep(struct prepare *p, json_t *j)
{
	return j ? arena_own_json(p->a, j) : NULL;
}

static struct fpd_parts without_global(struct prepare *p, const struct fpd_parts *full)
{
	struct fpd_parts parts = *full;
	json_t *user;

	if (full->site)
		parts.site = keep(p, strip(without(full->site, "ext", "data"), "content", "data"));
	if (full->app)
		parts.app = keep(p, strip(without(full->app, "ext", "data"), "content", "data"));
	if (full->user) {
		user = without(full->user, "ext", "data");
		if (json_object_get(user, "data")) {
			json_t *copy = json_copy(user);

			json_object_del(copy, "data");
			json_decref(user);
			user = copy;
		}
		parts.user = keep(p, user);
	}
	return parts;
}

static bool lists(const json_t *names, struct str bidder)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (str_eq_nocase(json_str(json_array_get(names, i)), bidder))
			return true;
	return false;
}

static struct fpd_bidder *find(const struct fpd *fpd, struct str bidder)
{
	for (struct fpd_bidder *b = fpd->special; b; b = b->next)
		if (str_eq_nocase(b->bidder, bidder))
			return b;
	return NULL;
}

static struct fpd_bidder *add(struct prepare *p, struct str bidder, const struct fpd_parts *parts)
{
	struct fpd_bidder *b = ARENA_NEW(p->a, struct fpd_bidder);

	b->bidder = bidder;
	b->parts = *parts;
	b->next = p->fpd->special;
	p->fpd->special = b;
	return b;
}

/* Lays `over` over one part and reads the result as OpenRTB again, since clients configure anything. */
static bool lay(struct prepare *p, struct str bidder, json_t **part, const json_t *over, enum ortb_type type)
{
	json_t *merged = fpd_overlay(*part, over), *typed = ortb_decode(merged, type, NULL, NULL);

	json_decref(merged);
	if (!typed) {
		complain(p, "invalid first party data ext", bidder);
		return false;
	}
	*part = keep(p, typed);
	return true;
}

static void lay_site(struct prepare *p, struct fpd_bidder *b, const json_t *over)
{
	if (!b->parts.site) {
		complain(
			p,
			"incorrect First Party Data for bidder @: Site object is not defined in request, but "
			"defined in FPD config",
			b->bidder);
		return;
	}
	if (lay(p, b->bidder, &b->parts.site, over, ORTB_SITE) && json_str_at(b->parts.site, "id").n == 0 &&
	    json_str_at(b->parts.site, "page").n == 0)
		complain(p,
			 "incorrect First Party Data for bidder @: Site object cannot set empty page if "
			 "req.site.id is empty",
			 b->bidder);
}

static void lay_app(struct prepare *p, struct fpd_bidder *b, const json_t *over)
{
	if (b->parts.app)
		(void)lay(p, b->bidder, &b->parts.app, over, ORTB_APP);
	else
		complain(p,
			 "incorrect First Party Data for bidder @: App object is not defined in request, but "
			 "defined in FPD config",
			 b->bidder);
}

static void lay_device(struct prepare *p, struct fpd_bidder *b, const json_t *over)
{
	static const struct {
		const char *path, *finding;
	} numbers[] = {
		{ "w", "request.device.w must be a positive number" },
		{ "h", "request.device.h must be a positive number" },
		{ "ppi", "request.device.ppi must be a positive number" },
		{ "geo.accuracy", "request.device.geo.accuracy must be a positive number" },
	};

	if (!lay(p, b->bidder, &b->parts.device, over, ORTB_DEVICE))
		return;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (json_int_at(b->parts.device, numbers[i].path, 0) < 0)
			complain(p, numbers[i].finding, b->bidder);
}

/* Ids where OpenRTB 2.5 has them replace the user's as those of 2.6 do: beside them, the user's would go along unseen by
 * who filters ids by permission. */
static void lay_user(struct prepare *p, struct fpd_bidder *b, const json_t *over)
{
	json_t *raised = keep(p, json_copy((json_t *)(uintptr_t)over)), *ext = json_own(raised, "ext");
	json_t *old = json_object_get(ext, "eids");

	if (old && !json_object_get(raised, "eids"))
		json_object_set_nocheck(raised, "eids", old);
	json_object_del(ext, "eids");
	b->sets_eids = json_object_get(raised, "eids") != NULL;
	(void)lay(p, b->bidder, &b->parts.user, raised, ORTB_USER);
}

static void lay_config(struct prepare *p, struct fpd_bidder *b, const json_t *ortb2)
{
	const json_t *site = json_object_get(ortb2, "site"), *app = json_object_get(ortb2, "app");
	const json_t *user = json_object_get(ortb2, "user"), *device = json_object_get(ortb2, "device");

	if (json_is_object(site))
		lay_site(p, b, site);
	if (json_is_object(app))
		lay_app(p, b, app);
	if (json_is_object(user))
		lay_user(p, b, user);
	if (json_is_object(device))
		lay_device(p, b, device);
}

/* One bidder may have one configuration only, so that no order between two has to be guessed. */
static bool has_duplicate(const json_t *configs, struct str *ret_bidder)
{
	json_t *seen = json_object();
	bool found = false;

	for (size_t i = 0; i < json_array_size(configs) && !found; i++) {
		const json_t *bidders = json_object_get(json_array_get(configs, i), "bidders");

		for (size_t k = 0; k < json_array_size(bidders) && !found; k++) {
			*ret_bidder = json_str(json_array_get(bidders, k));
			found = json_object_getn(seen, ret_bidder->p, ret_bidder->n) != NULL;
			json_object_setn_new_nocheck(seen, ret_bidder->p, ret_bidder->n, json_true());
		}
	}
	json_decref(seen);
	return found;
}

static void lay_configs(struct prepare *p, const json_t *configs, const json_t *entitled,
			const struct fpd_parts *full)
{
	for (size_t i = 0; i < json_array_size(configs); i++) {
		const json_t *one = json_array_get(configs, i), *bidders = json_object_get(one, "bidders");
		const json_t *ortb2 = json_at(one, "config.ortb2");

		for (size_t k = 0; k < json_array_size(bidders) && ortb2; k++) {
			struct str bidder = json_str(json_array_get(bidders, k));
			struct fpd_bidder *b;

			if (entitled && !lists(entitled, bidder))
				continue;
			b = find(p->fpd, bidder);
			lay_config(p, b ? b : add(p, bidder, full), ortb2);
		}
	}
}

static size_t count_configured(const json_t *configs)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(configs); i++)
		n += json_array_size(json_object_get(json_array_get(configs, i), "bidders"));
	return n;
}

int fpd_prepare(const json_t *req, struct arena *a, struct messages *m, struct fpd *ret_fpd)
{
	const json_t *prebid = json_at(req, "ext.prebid"), *entitled = json_at(prebid, "data.bidders");
	const json_t *configs = json_object_get(prebid, "bidderconfig");
	struct fpd_parts full = {
		.site = json_object_get(req, "site"),
		.app = json_object_get(req, "app"),
		.user = json_object_get(req, "user"),
		.device = json_object_get(req, "device"),
	};
	struct fpd fpd = { .everybody = full };
	struct prepare p = { .req = req, .a = a, .fpd = &fpd };
	struct str bidder = STR("");
	int err = 0;

	if (has_duplicate(configs, &bidder))
		return refuse_as(m, ERROR_BAD_INPUT,
				 "multiple First Party Data bidder configs provided for bidder: " STR_FMT,
				 STR_ARG(bidder));
	if (json_array_size(entitled) > MAX_BIDDERS)
		return refuse_as(m, ERROR_BAD_INPUT, "first party data names more than %d bidders",
				 MAX_BIDDERS);
	if (count_configured(configs) > MAX_CONFIGURED)
		return refuse_as(m, ERROR_BAD_INPUT, "ext.prebid.bidderconfig names more than %d bidders",
				 MAX_CONFIGURED);
	buf_init(&p.findings, MAX_FINDINGS_TEXT);
	if (entitled) {
		fpd.everybody = without_global(&p, &full);
		for (size_t i = 0; i < json_array_size(entitled); i++)
			if (!find(&fpd, json_str(json_array_get(entitled, i))))
				(void)add(&p, json_str(json_array_get(entitled, i)), &full);
	}
	lay_configs(&p, configs, entitled, &full);
	if (p.findings.n)
		err = refuse_as(m, ERROR_BAD_INPUT, STR_FMT, STR_ARG(buf_str(&p.findings)));
	else
		*ret_fpd = fpd;
	buf_deinit(&p.findings);
	return err;
}

const struct fpd_parts *fpd_for(const struct fpd *fpd, struct str bidder, bool *ret_sets_eids)
{
	const struct fpd_bidder *b = find(fpd, bidder);

	*ret_sets_eids = b && b->sets_eids;
	return b ? &b->parts : &fpd->everybody;
}
