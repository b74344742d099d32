#include "pbs/privacy_settings.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/config.h"

/* Accounts kept per worker. A place is shared by those that hash to it: the last one stays. */
enum { PLACES = 256 };

/* --- the host --- */

static json_t *list_new(const struct conf_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, json_string(l->v[i]));
	return list;
}

static json_t *host_tree_new(const struct pbs_config *c)
{
	json_t *tree = json_object(), *gdpr = json_own_object(tree, "gdpr");

	json_set_bool(gdpr, "enabled", c->gdpr_enabled);
	json_set_str(gdpr, "default_value", str_of(c->gdpr_default_value));
	json_set_int(gdpr, "host_vendor_id", c->host_vendor_id);
	json_set_bool(gdpr, "strict_disclosed_vendors_treatment", c->strict_disclosed_vendors);
	json_set_str(json_own_object(gdpr, "vendor_list"), "when_missing",
		     c->gvl_when_missing ? STR("strict") : STR("default"));
	json_object_set_new_nocheck(gdpr, "non_standard_publishers", list_new(&c->non_standard_publishers));
	if (c->eea_countries.n)
		json_object_set_new_nocheck(gdpr, "eea_countries", list_new(&c->eea_countries));
	if (c->gdpr_tcf2)
		json_object_set_nocheck(gdpr, "tcf2", c->gdpr_tcf2);
	json_set_bool(json_own_object(tree, "ccpa"), "enforce", c->ccpa_enforce);
	json_set_bool(json_own_object(tree, "lmt"), "enforce", c->lmt_enforce);
	return tree;
}

static int check_account_defaults(const struct pbs_config *c, struct errtext *why)
{
	struct privacy_account *account;
	int err;

	if (!c->account_defaults)
		return 0;
	err = privacy_account_parse(c->account_defaults, why, &account);
	if (err) {
		errtext_prefix(why, "account_defaults.");
		return err;
	}
	privacy_account_free(account);
	return 0;
}

static int add_nets(struct privacy_host *host, const struct conf_list *list, bool v6, struct errtext *why)
{
	for (size_t i = 0; i < list->n; i++) {
		struct ip_net *net = &host->private_nets[host->n_private_nets++];

		if (!ip_net_parse(str_of(list->v[i]), net) || net->addr.v6 != v6) {
			errtext_set(why,
				    "request_validation.ipv%c_private_networks: \"%s\" is no such network; "
				    "write %s",
				    v6 ? '6' : '4', list->v[i], v6 ? "fc00::/7" : "10.0.0.0/8");
			return ERR_INPUT;
		}
	}
	for (size_t i = 0; list->n == 0 && i < ip_n_private_nets; i++)
		if (ip_private_nets[i].addr.v6 == v6)
			host->private_nets[host->n_private_nets++] = ip_private_nets[i];
	return 0;
}

static int read_nets(struct privacy_host *host, const struct pbs_config *c, struct errtext *why)
{
	size_t most = c->private_ipv4.n + c->private_ipv6.n + ip_n_private_nets;

	host->private_nets = xcalloc(most, sizeof *host->private_nets);
	return add_nets(host, &c->private_ipv4, false, why) < 0 ? ERR_INPUT
								: add_nets(host, &c->private_ipv6, true, why);
}

int privacy_settings_host(const struct pbs_config *c, struct errtext *why, struct privacy_host **ret_host)
{
	json_t *tree = host_tree_new(c);
	struct privacy_host *host;
	int err = check_account_defaults(c, why);

	if (!err)
		err = privacy_host_parse(tree, why, &host);
	json_decref(tree); /* the result holds a reference of its own */
	if (err)
		return err;
	host->enforce_gdpr = c->enforce_gdpr;
	host->enforce_ccpa = c->enforce_ccpa;
	host->enforce_coppa = c->enforce_coppa;
	host->strict = c->privacy_strict;
	if (read_nets(host, c, why) < 0) {
		privacy_host_free(host);
		return ERR_INPUT;
	}
	*ret_host = host;
	return 0;
}

/* --- accounts --- */

struct shared_account {
	size_t refs;
	struct privacy_account *account;
};

struct privacy_accounts {
	struct {
		json_t *stored, *defaults; /* held, so that their addresses cannot come to mean others */
		struct shared_account *shared;
	} place[PLACES];
};

static void unref(void *p)
{
	struct shared_account *s = p;

	if (!s || --s->refs > 0)
		return;
	privacy_account_free(s->account);
	free(s);
}

static void clear(struct privacy_accounts *accounts, size_t at)
{
	unref(accounts->place[at].shared);
	json_decref(accounts->place[at].stored);
	json_decref(accounts->place[at].defaults);
}

struct privacy_accounts *privacy_accounts_new(void)
{
	return xcalloc(1, sizeof(struct privacy_accounts));
}

void privacy_accounts_free(struct privacy_accounts *accounts)
{
	for (size_t i = 0; accounts && i < PLACES; i++)
		clear(accounts, i);
	free(accounts);
}

static size_t place_of(const json_t *stored, const json_t *defaults)
{
	return ((uintptr_t)(stored ? stored : defaults) >> 4) * 0x9e3779b97f4a7c15u >> 56;
}

static bool is_at(const struct privacy_accounts *accounts, size_t at, const json_t *stored,
		  const json_t *defaults)
{
	return accounts->place[at].shared && accounts->place[at].stored == stored &&
	       accounts->place[at].defaults == defaults;
}

static void put_at(struct privacy_accounts *accounts, size_t at, const json_t *stored, const json_t *defaults,
		   struct shared_account *shared)
{
	clear(accounts, at);
	accounts->place[at].shared = shared;
	accounts->place[at].stored = json_incref((json_t *)(uintptr_t)stored);
	accounts->place[at].defaults = json_incref((json_t *)(uintptr_t)defaults);
}

bool privacy_accounts_knows(const struct privacy_accounts *accounts, const json_t *stored,
			    const json_t *defaults)
{
	return is_at(accounts, place_of(stored, defaults), stored, defaults);
}

int privacy_accounts_get(struct privacy_accounts *accounts, const json_t *stored, const json_t *defaults,
			 const json_t *merged, struct arena *a, struct errtext *why,
			 const struct privacy_account **ret_account)
{
	size_t at = place_of(stored, defaults);
	struct privacy_account *parsed;
	struct shared_account *shared;
	int err;

	*ret_account = NULL;
	if (!merged)
		return 0;
	if (!is_at(accounts, at, stored, defaults)) {
		err = privacy_account_parse((json_t *)(uintptr_t)merged, why, &parsed);
		if (err)
			return err;
		shared = xcalloc(1, sizeof *shared);
		*shared = (struct shared_account){ .refs = 1, .account = parsed };
		put_at(accounts, at, stored, defaults, shared);
	}
	shared = accounts->place[at].shared;
	shared->refs++;
	arena_defer(a, unref, shared);
	*ret_account = shared->account;
	return 0;
}
