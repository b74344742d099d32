#include "common/mem.h"
#include "pbs/adapters/rubicon.h"

enum { BADV_MAX = 50 };

#define FIELD(key, label, kind)   TYPED_FIELD(key, label, TYPED_##kind, TYPED_GIVEN)
#define NONZERO(key, label, kind) TYPED_FIELD(key, label, TYPED_##kind, TYPED_NONZERO)

/* A member that is not empty moves to `to` under the same name. */
static void move(json_t *from, const char *key, json_t *to)
{
	json_t *v = json_object_get(from, key);

	if (!v)
		return;
	json_object_set(to, key, v);
	json_object_del(from, key);
}

static json_t *user_target(struct rubicon_imp *x, const json_t *user)
{
	static const int audience[] = { 4, 0 };
	struct errtext why;
	json_t *target = rubicon_target_copy(json_at(user, "ext.rp.target"), &why);

	if (target && rubicon_add_attributes(target, json_object_get(x->params, "visitor"), &why) &&
	    rubicon_add_attributes(target, json_at(user, "ext.data"), &why)) {
		rubicon_add_segments(target, json_object_get(user, "data"), audience);
		return target;
	}
	json_decref(target);
	adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
	return NULL;
}

bool rubicon_set_user(struct rubicon_imp *x)
{
	static const char *const private[] = { "geo", "yob", "gender" };
	json_t *user = json_own(x->body, "user"), *target, *ext;

	if (!user)
		return true;
	target = user_target(x, user);
	if (!target)
		return false;
	ext = json_pack("{s:{s:o}}", "rp", "target", target);
	move(user, "eids", ext);
	move(user, "consent", ext);
	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		json_object_del(user, private[i]);
	json_object_set_new(user, "ext", ext);
	return true;
}

void rubicon_set_device(struct rubicon_imp *x)
{
	json_t *device = json_own(x->body, "device"), *ratio = json_object_get(device, "pxratio");

	if (device)
		json_object_set_new(device, "ext",
				    json_pack("{s:{s:o}}", "rp", "pixelratio",
					      ratio ? json_incref(ratio) : json_integer(0)));
}

bool rubicon_set_site(struct rubicon_imp *x)
{
	static const int context[] = { 1, 2, 5, 6, 0 };
	json_t *site = json_own(x->body, "site"), *place = site ? site : json_own(x->body, "app");
	json_t *rp, *target;
	int64_t account, id;

	if (!rubicon_id(x, "accountId", &account) || !rubicon_id(x, "siteId", &id))
		return false;
	if (!place) {
		adapter_error(x->errors, ADAPTER_BAD_INPUT, "The request has neither site nor app");
		return false;
	}
	rp = json_pack("{s:I}", "site_id", (json_int_t)id);
	target = json_object();
	rubicon_add_segments(target, json_at(site, "content.data"), context);
	if (json_object_size(target) > 0)
		json_object_set(rp, "target", target);
	json_decref(target);
	json_object_set_new(place, "ext", json_pack("{s:o}", "rp", rp));
	json_object_set_new(place, "publisher",
			    json_pack("{s:{s:{s:I}}}", "ext", "rp", "account_id", (json_int_t)account));
	return true;
}

static const struct typed_field transparency_fields[] = {
	NONZERO("domain", "Domain", STR),
	{ "dsaparams", "Params", NULL, 9, TYPED_INT, TYPED_NONZERO, true },
};
static const struct typed_struct transparency = { "openrtb_ext.ExtBidDSATransparency", transparency_fields,
						  ARRAY_LEN(transparency_fields) };
static const struct typed_field dsa_fields[] = {
	FIELD("dsarequired", "Required", INT),
	FIELD("pubrender", "PubRender", INT),
	FIELD("datatopub", "DataToPub", INT),
	{ "transparency", "Transparency", &transparency, 12, TYPED_OBJECT, TYPED_NONZERO, true },
};
static const struct typed_struct dsa = { "openrtb_ext.ExtRegsDSA", dsa_fields, ARRAY_LEN(dsa_fields) };
static const struct typed_field regs_fields[] = {
	{ "dsa", "DSA", &dsa, 3, TYPED_OBJECT, TYPED_GIVEN, false },
	FIELD("gdpr", "GDPR", INT),
	NONZERO("us_privacy", "USPrivacy", STR),
};
static const struct typed_struct regs_ext = { "openrtb_ext.ExtRegs", regs_fields, ARRAY_LEN(regs_fields) };

static bool set_regs(struct rubicon_imp *x)
{
	json_t *regs = json_object_get(x->body, "regs"), *old = json_object_get(regs, "ext"), *ext;
	struct errtext why;

	if (!json_object_get(regs, "gdpr") && !json_object_get(regs, "us_privacy"))
		return true;
	ext = typed_decode(old ? old : json_null(), &regs_ext, &why, NULL);
	if (!ext) {
		adapter_error(x->errors, ADAPTER_FAILED_TO_UNMARSHAL, "%s", why.text);
		return false;
	}
	regs = json_own(x->body, "regs");
	json_object_set_new(regs, "ext", json_copy(ext));
	json_decref(ext);
	ext = json_object_get(regs, "ext");
	move(regs, "gdpr", ext);
	move(regs, "us_privacy", ext);
	return true;
}

bool rubicon_set_rest(struct rubicon_imp *x)
{
	json_t *source = json_object_get(x->body, "source"), *ext;

	if (json_object_get(source, "schain")) {
		source = json_own(x->body, "source");
		ext = json_object();
		move(source, "schain", ext);
		json_object_set_new(source, "ext", ext);
	}
	if (!set_regs(x))
		return false;
	if (json_array_size(json_object_get(x->body, "badv")) > BADV_MAX) {
		json_t *badv = json_own(x->body, "badv");

		while (json_array_size(badv) > BADV_MAX)
			json_array_remove(badv, json_array_size(badv) - 1);
	}
	json_object_del(x->body, "cur");
	json_object_del(x->body, "ext");
	return true;
}
