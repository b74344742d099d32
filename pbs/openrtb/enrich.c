#include "pbs/openrtb/enrich.h"

#include <libpsl.h>

#include "common/json.h"
#include "pbs/openrtb/bidders.h"
#include "pbs/openrtb/defaults.h"
#include "pbs/openrtb/interstitial.h"
#include "pbs/openrtb/topics.h"
#include "pbs/privacy/lmt.h"

enum { HOST_MAX = 255 };

/* Header bytes may be anything; JSON text may not. */
static json_t *new_text(struct str s)
{
	json_t *text = json_stringn(s.n ? s.p : "", s.n);
	char ascii[4096];

	if (text)
		return text;
	if (s.n > sizeof ascii)
		s.n = sizeof ascii;
	for (size_t i = 0; i < s.n; i++)
		ascii[i] = (char)((unsigned char)s.p[i] < 0x80 && s.p[i] ? s.p[i] : '?');
	return json_stringn_nocheck(ascii, s.n);
}

static void set_if_empty(json_t *obj, const char *key, struct str value)
{
	if (value.n && json_str(json_object_get(obj, key)).n == 0)
		json_object_set_new_nocheck(obj, key, new_text(value));
}

/* A bidder that the object names gets the request-wide parameters that it does not set itself. Members of imp.ext
 * that are no bidder's are not touched, whatever the parameters are called after. */
static void add_params(json_t *bidders, json_t *params)
{
	const char *bidder, *key;
	json_t *more, *v;

	json_object_foreach (params, bidder, more) {
		json_t *own;

		if (!json_is_object(more) || bidder_is_reserved(str_of(bidder)) ||
		    !json_is_object(json_object_get(bidders, bidder)))
			continue;
		own = json_own(bidders, bidder);
		json_object_foreach (more, key, v)
			if (!json_object_get(own, key))
				json_object_set_nocheck(own, key, v);
	}
}

static void merge_bidder_params(json_t *req)
{
	json_t *params = json_at(req, "ext.prebid.bidderparams"), *imps;

	if (!json_is_object(params) || json_object_size(params) == 0)
		return;
	imps = json_own(req, "imp");
	for (size_t i = 0; i < json_array_size(imps); i++) {
		json_t *ext = json_own(json_own_element(imps, i), "ext"), *prebid = json_own(ext, "prebid");

		if (json_is_object(ext))
			add_params(ext, params);
		if (json_is_object(json_object_get(prebid, "bidder")))
			add_params(json_own(prebid, "bidder"), params);
	}
}

static bool is_public(const struct ip_addr *ip, const struct enrich_rules *rules)
{
	return rules->private_nets ? !ip_in_any(ip, rules->private_nets, rules->n_private_nets)
				   : !ip_in_any(ip, ip_private_nets, ip_n_private_nets);
}

bool enrich_client_ip(const struct enrich_http *http, const struct enrich_rules *rules,
		      struct ip_addr *ret_ip)
{
	const struct str *const lists[] = { &http->true_client_ip, &http->x_forwarded_for, &http->x_real_ip,
					    &http->peer_ip };

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct str rest = *lists[i];

		while (rest.p) {
			struct ip_addr ip;

			if (ip_parse(str_trim(str_cut(&rest, ',')), &ip) && is_public(&ip, rules)) {
				*ret_ip = ip;
				return true;
			}
		}
	}
	return false;
}

/* A private or malformed address says nothing about the user; true when a good one stays. */
static bool keep_public_ip(json_t *device, const char *key, bool v6, const struct enrich_rules *rules)
{
	struct str given = json_str(json_object_get(device, key));
	struct ip_addr ip;

	if (given.n == 0)
		return false;
	if (ip_parse(given, &ip) && ip.v6 == v6 && is_public(&ip, rules))
		return true;
	json_object_del(device, key);
	return false;
}

static void fill_device_ip(json_t *req, const struct enrich_http *http, const struct enrich_rules *rules)
{
	json_t *device = json_own(req, "device");
	char text[IP_TEXT_MAX];
	struct ip_addr ip;
	bool v4 = keep_public_ip(device, "ip", false, rules),
	     v6 = keep_public_ip(device, "ipv6", true, rules);

	if (v4 || v6 || !enrich_client_ip(http, rules, &ip))
		return;
	ip_write(&ip, text);
	json_set_str(json_own_object(req, "device"), ip.v6 ? "ipv6" : "ip", str_of(text));
}

static void fill_device(json_t *req, const struct enrich_http *http, const struct enrich_rules *rules)
{
	fill_device_ip(req, http, rules);
	if (http->user_agent.n)
		set_if_empty(json_own_object(req, "device"), "ua", http->user_agent);
	if ((str_eq(http->dnt, STR("0")) || str_eq(http->dnt, STR("1"))) && !json_at(req, "device.dnt"))
		json_set_int(json_own_object(req, "device"), "dnt", *http->dnt.p - '0');
}

/* Host and port of an absolute URL; empty when there is none. */
static struct str url_host(struct str url)
{
	struct str host;
	size_t at = 0;

	while (at < url.n && url.p[at] != ':' && url.p[at] != '/')
		at++;
	if (at + 3 > url.n || at == 0 || memcmp(url.p + at, "://", 3) != 0)
		return STR("");
	host = (struct str){ url.p + at + 3, url.n - at - 3 };
	for (size_t i = 0; i < host.n; i++) {
		if ((unsigned char)host.p[i] <= ' ')
			return STR("");
		if (strchr("/?#", host.p[i])) {
			host.n = i;
			break;
		}
	}
	for (size_t i = host.n; i > 0; i--)
		if (host.p[i - 1] == '@')
			return (struct str){ host.p + i, host.n - i };
	return host;
}

/* The part of the host that somebody registered ("example.co.uk"), in its own spelling. Addresses have
 * none. */
static struct str registrable_domain(struct str host)
{
	struct ip_addr ip;
	char lower[HOST_MAX + 1];
	const char *domain;

	host = str_cut(&host, ':');
	if (host.n == 0 || host.n > HOST_MAX || *host.p == '[' || ip_parse(host, &ip))
		return STR("");
	str_lower(lower, host);
	lower[host.n] = '\0';
	domain = psl_registrable_domain(psl_builtin(), lower);
	return domain ? (struct str){ host.p + (domain - lower), host.n - (size_t)(domain - lower) }
		      : STR("");
}

static void fill_site(json_t *req, const struct enrich_http *http)
{
	json_t *site, *ext;
	struct str url, host, domain;

	if (json_object_get(req, "app") || json_object_get(req, "dooh"))
		return;
	site = json_own_object(req, "site");
	set_if_empty(site, "page", http->referer);
	url = http->referer.n ? http->referer : json_str(json_object_get(site, "page"));
	host = url_host(url);
	set_if_empty(site, "domain", host);
	if (host.n && json_str_at(site, "publisher.domain").n == 0) {
		domain = registrable_domain(host);
		if (domain.n)
			set_if_empty(json_own_object(site, "publisher"), "domain", domain);
	}
	ext = json_own_object(site, "ext");
	if (!json_object_get(ext, "amp") || json_is_null(json_object_get(ext, "amp")))
		json_set_int(ext, "amp", 0);
}

static void fill_gpc(json_t *req, struct str sec_gpc)
{
	const json_t *given = json_at(req, "regs.ext.gpc");

	if (str_eq(sec_gpc, STR("1")) && (!given || json_is_null(given)))
		json_set_str(json_own_object(json_own_object(req, "regs"), "ext"), "gpc", STR("1"));
}

/* The flag of an iOS app is what the system's consent prompt says. */
static void fill_ios_lmt(json_t *req)
{
	int lmt;

	if (lmt_ios(req, &lmt))
		json_set_int(json_own(req, "device"), "lmt", lmt);
}

int enrich(json_t *req, const struct enrich_http *http, const struct enrich_rules *rules, struct rng *rng,
	   struct messages *m)
{
	int err;

	merge_bidder_params(req);
	fill_device(req, http, rules);
	fill_site(req, http);
	if (json_int_at(req, "at", 0) == 0)
		json_set_int(req, "at", 1);
	fill_gpc(req, http->sec_gpc);
	topics_add(req, http->browsing_topics, rules->topics_domain, m);
	err = defaults_fill(req, rules, rng, m);
	if (err)
		return err;
	err = interstitial_fill(req, m);
	if (err)
		return err;
	fill_ios_lmt(req);
	return 0;
}
