#include "pbs/privacy/scrub.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdbool.h>

#include "common/json.h"
#include "common/mem.h"

enum { CACHE_ENTRIES = 64 };

static const char *const names[SCRUB_KINDS] = {
	"device_ids", "user_ids", "eids", "first_party_data", "ip", "geo", "geo_all", "tid", "us_privacy",
};

static const char *const device_ids[] = { "ifa",     "didsha1", "didmd5", "dpidsha1",
					  "dpidmd5", "macsha1", "macmd5" };
static const char *const user_ids[] = { "id", "buyeruid", "customdata", "yob", "gender" };
/* Apple's identifier for the vendor, in both spellings that SDKs use. */
static const char *const device_ext_ids[] = { "ifv", "idfv" };
static const char *const user_data[] = { "keywords", "kwarray", "data" };

/* What was scrubbed already: the same object losing the same things. Both objects are kept alive, so that an
 * address cannot come to mean another object. */
struct scrub_cache {
	struct arena *arena;
	size_t n;
	struct {
		const json_t *in;
		unsigned scrub;
		json_t *out;
	} entry[CACHE_ENTRIES];
};

const char *scrub_name(enum scrub bit)
{
	for (int i = 0; i < SCRUB_KINDS; i++)
		if ((unsigned)bit == 1u << i)
			return names[i];
	return "unknown";
}

struct scrub_cache *scrub_cache_new(struct arena *a)
{
	struct scrub_cache *c = ARENA_NEW(a, struct scrub_cache);

	c->arena = a;
	return c;
}

static json_t *cache_find(const struct scrub_cache *c, const json_t *in, unsigned scrub)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (c->entry[i].in == in && c->entry[i].scrub == scrub)
			return json_incref(c->entry[i].out);
	return NULL;
}

static void cache_add(struct scrub_cache *c, json_t *in, unsigned scrub, json_t *out)
{
	if (!c || c->n == CACHE_ENTRIES)
		return;
	c->entry[c->n].in = arena_own_json(c->arena, json_incref(in));
	c->entry[c->n].out = arena_own_json(c->arena, json_incref(out));
	c->entry[c->n++].scrub = scrub;
}

/* ---- values ---- */

double scrub_coordinate(double degrees)
{
	return trunc(degrees * 100 + 0.5) / 100;
}

struct str scrub_ip(struct str ip, bool v6, unsigned keep_bits, char ret_text[static 46])
{
	unsigned char addr[16];
	int family = v6 ? AF_INET6 : AF_INET;
	unsigned bytes = v6 ? 16 : 4;

	if (ip.n == 0 || ip.n >= 46)
		return STR("");
	memcpy(ret_text, ip.p, ip.n);
	ret_text[ip.n] = '\0';
	if (inet_pton(family, ret_text, addr) != 1)
		return STR("");
	for (unsigned i = 0; i < bytes; i++) {
		unsigned keep = keep_bits > i * 8 ? keep_bits - i * 8 : 0;

		if (keep < 8)
			addr[i] &= (unsigned char)(0xff00u >> keep);
	}
	return str_of(inet_ntop(family, addr, ret_text, 46));
}

/* ---- parts; each function changes an object that is its own ---- */

static void delete_all(json_t *obj, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_del(obj, keys[i]);
}

static void round_member(json_t *geo, const char *key)
{
	const json_t *v = json_object_get(geo, key);

	if (json_is_number(v))
		json_set_real(geo, key, scrub_coordinate(json_number_value(v)));
}

static void scrub_geo(json_t *owner, unsigned scrub)
{
	json_t *geo = json_object_get(owner, "geo");

	if (!json_is_object(geo))
		return;
	if (scrub & SCRUB_GEO_ALL) {
		json_object_set_new_nocheck(owner, "geo", json_object());
	} else if (scrub & SCRUB_GEO) {
		geo = json_own(owner, "geo");
		round_member(geo, "lat");
		round_member(geo, "lon");
	}
}

static void mask_member(json_t *device, const char *key, bool v6, unsigned keep_bits)
{
	const json_t *v = json_object_get(device, key);
	char text[46];
	struct str masked;

	if (!v)
		return;
	masked = scrub_ip(json_str(v), v6, keep_bits, text);
	if (masked.n)
		json_set_str(device, key, masked);
	else
		json_object_del(device, key);
}

/* Removes a member two levels down; objects that this empties go too. */
static void delete_below(json_t *obj, const char *outer, const char *inner)
{
	json_t *o;

	if (!json_object_get(json_object_get(obj, outer), inner))
		return;
	o = json_own(obj, outer);
	json_object_del(o, inner);
	if (json_object_size(o) == 0)
		json_object_del(obj, outer);
}

static void scrub_device(json_t *device, unsigned scrub, unsigned ipv4_bits, unsigned ipv6_bits)
{
	if (scrub & SCRUB_DEVICE_IDS) {
		delete_all(device, device_ids, ARRAY_LEN(device_ids));
		for (size_t i = 0; i < ARRAY_LEN(device_ext_ids); i++)
			delete_below(device, "ext", device_ext_ids[i]);
	}
	if (scrub & SCRUB_IP) {
		mask_member(device, "ip", false, ipv4_bits);
		mask_member(device, "ipv6", true, ipv6_bits);
	}
	scrub_geo(device, scrub);
}

/* Ids hide in old places too: extended ids below ext, buyer ids of other bidders below ext.prebid. */
static void scrub_user_ext(json_t *user, unsigned scrub)
{
	json_t *ext;

	if (!json_is_object(json_object_get(user, "ext")))
		return;
	ext = json_own(user, "ext");
	if (scrub & SCRUB_UFPD)
		json_object_del(ext, "data");
	if (scrub & SCRUB_EIDS) {
		json_object_del(ext, "eids");
		delete_below(ext, "data", "eids");
		delete_below(ext, "prebid", "eids");
	}
	if (scrub & SCRUB_USER_IDS)
		delete_below(ext, "prebid", "buyeruids");
	if (json_object_size(ext) == 0)
		json_object_del(user, "ext");
}

static void scrub_user(json_t *user, unsigned scrub)
{
	if (scrub & SCRUB_USER_IDS)
		delete_all(user, user_ids, ARRAY_LEN(user_ids));
	if (scrub & SCRUB_UFPD)
		delete_all(user, user_data, ARRAY_LEN(user_data));
	if (scrub & SCRUB_EIDS)
		json_object_del(user, "eids");
	if (scrub & (SCRUB_USER_IDS | SCRUB_UFPD | SCRUB_EIDS))
		scrub_user_ext(user, scrub);
	scrub_geo(user, scrub);
}

static void scrub_tid(json_t *request)
{
	json_t *imps;

	if (json_at(request, "source.tid"))
		json_object_del(json_own(request, "source"), "tid");
	if (!json_array_size(json_object_get(request, "imp")))
		return;
	imps = json_own(request, "imp");
	for (size_t i = 0; i < json_array_size(imps); i++)
		if (json_at(json_array_get(imps, i), "ext.tid"))
			json_object_del(json_own(json_own_element(imps, i), "ext"), "tid");
}

static void scrub_us_privacy(json_t *request)
{
	if (json_at(request, "regs.us_privacy"))
		json_object_del(json_own(request, "regs"), "us_privacy");
	if (json_at(request, "regs.ext.us_privacy"))
		delete_below(json_own(request, "regs"), "ext", "us_privacy");
}

void scrub_request(json_t *request, unsigned scrub, unsigned ipv4_bits, unsigned ipv6_bits,
		   struct scrub_cache *cache)
{
	const unsigned on_user =
		scrub & (SCRUB_USER_IDS | SCRUB_UFPD | SCRUB_EIDS | SCRUB_GEO | SCRUB_GEO_ALL);
	const unsigned on_device = scrub & (SCRUB_DEVICE_IDS | SCRUB_IP | SCRUB_GEO | SCRUB_GEO_ALL);
	json_t *user = json_object_get(request, "user"), *device = json_object_get(request, "device"), *out;

	if (on_user && json_is_object(user)) {
		out = cache_find(cache, user, on_user);
		if (!out) {
			out = json_copy(user);
			scrub_user(out, on_user);
			cache_add(cache, user, on_user, out);
		}
		json_object_set_new_nocheck(request, "user", out);
	}
	if (on_device && json_is_object(device)) {
		out = cache_find(cache, device, on_device);
		if (!out) {
			out = json_copy(device);
			scrub_device(out, on_device, ipv4_bits, ipv6_bits);
			cache_add(cache, device, on_device, out);
		}
		json_object_set_new_nocheck(request, "device", out);
	}
	if (scrub & SCRUB_TID)
		scrub_tid(request);
	if (scrub & SCRUB_US_PRIVACY)
		scrub_us_privacy(request);
}
