#include "pbs/endpoints/visitor.h"

#include <time.h>

#include "common/err.h"
#include "common/http_server.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/gpp.h"
#include "pbs/server.h"
#include "pbs/vendor_lists.h"

enum { DAY_S = 86400, SAME_SITE_CHROME = 67, MAX_SIDS = 64 };

static const struct pbs_config *config_of(const struct http_request *req)
{
	return pbs_request_config(req);
}

int64_t visitor_now_us(void)
{
	return clock_wall_ms() * 1000;
}

/* --- ids --- */

static bool has_host_opt_out(const struct http_request *req)
{
	const struct pbs_config *c = config_of(req);

	return *c->optout_cookie_name && http_request_has_header(req, "Cookie") &&
	       str_eq(http_request_cookie(req, c->optout_cookie_name), str_of(c->optout_cookie_value)) &&
	       *c->optout_cookie_value;
}

void visitor_uids(const struct http_request *req, struct uids *ret_u)
{
	const struct pbs_config *c = config_of(req);

	uids_read(ret_u, req->arena, http_request_cookie(req, "uids"));
	if (has_host_opt_out(req))
		uids_opt_out(ret_u, true);
	if (*c->host_cookie_name && *c->host_cookie_family)
		uids_add_host(ret_u, str_of(c->host_cookie_family),
			      http_request_cookie(req, c->host_cookie_name), visitor_now_us());
}

/* The number behind `product` in a user agent, 0 when it is not there. */
static uint64_t product_version(struct str ua, const char *product)
{
	const char *at = ua.n ? memmem(ua.p, ua.n, product, strlen(product)) : NULL;
	struct str rest;
	uint64_t version = 0;
	size_t n = 0;

	if (!at)
		return 0;
	at += strlen(product);
	rest = (struct str){ at, (size_t)(ua.p + ua.n - at) };
	while (n < rest.n && n < 9 && rest.p[n] >= '0' && rest.p[n] <= '9')
		version = version * 10 + (uint64_t)(rest.p[n++] - '0');
	return version;
}

/* Chrome needs to be told that a cookie is for other sites' pages, and is told only where it understands. */
static bool wants_same_site(const struct http_request *req)
{
	struct str ua = http_request_header(req, "User-Agent");
	bool is_chrome = str_contains(ua, STR("Chrome/"));

	return product_version(ua, is_chrome ? "Chrome/" : "CriOS/") >= SAME_SITE_CHROME;
}

void visitor_set_uids(struct http_request *req, const struct uids *u, bool cross_site)
{
	const struct pbs_config *c = config_of(req);
	time_t ends = (time_t)(clock_wall_ms() / 1000 + (int64_t)c->host_cookie_ttl_days * DAY_S);
	const char *domain =
		*c->host_cookie_domain == '.' ? c->host_cookie_domain + 1 : c->host_cookie_domain;
	char date[40];
	struct tm tm;
	struct buf b;

	gmtime_r(&ends, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_init(&b, UIDS_COOKIE_MAX * 8);
	buf_add_z(&b, "uids=");
	uids_write(u, &b);
	buf_add_z(&b, "; Path=/");
	if (*domain)
		buf_addf(&b, "; Domain=%s", domain);
	buf_addf(&b, "; Expires=%s", date);
	if (cross_site && wants_same_site(req))
		buf_add_z(&b, "; Secure; SameSite=None");
	if (!b.overflow)
		http_reply_header(req, "Set-Cookie", buf_str(&b));
	buf_deinit(&b);
}

/* --- consent --- */

/* As the reference parses it, with a sign of either kind. */
static bool parse_sid(struct str piece, int64_t *ret_sid)
{
	if (piece.n > 1 && piece.p[0] == '+' && piece.p[1] != '-')
		piece = (struct str){ piece.p + 1, piece.n - 1 };
	return str_parse_i64(piece, INT8_MIN, INT8_MAX, ret_sid);
}

static int bad_sid(struct str piece, struct errtext *why)
{
	struct str digits = piece.p ? piece : STR("");
	bool is_number;

	if (str_starts(digits, STR("+")) || str_starts(digits, STR("-"))) {
		digits.p++;
		digits.n--;
	}
	is_number = digits.n > 0;
	for (size_t i = 0; i < digits.n; i++)
		is_number &= digits.p[i] >= '0' && digits.p[i] <= '9';
	errtext_set(why, "strconv.ParseInt: parsing \"" STR_FMT "\": %s", STR_ARG(piece),
		    is_number ? "value out of range" : "invalid syntax");
	return ERR_INPUT;
}

int visitor_read_sids(const struct http_request *req, struct visitor_consent *c, struct errtext *why)
{
	struct str rest = c->gpp_sid;
	json_t *sids;

	if (rest.n == 0)
		return 0;
	sids = arena_own_json(req->arena, json_array());
	while (rest.p) {
		struct str piece = str_cut(&rest, ',');
		int64_t sid;

		if (!parse_sid(piece, &sid) || json_array_size(sids) == MAX_SIDS)
			return bad_sid(piece, why);
		json_array_append_new(sids, json_integer(sid));
	}
	c->sids = sids;
	c->signal = visitor_has_sid(c, GPP_TCFEU) ? TRI_YES : TRI_NO;
	return 0;
}

bool visitor_has_sid(const struct visitor_consent *c, int64_t sid)
{
	const json_t *one;
	size_t i;

	json_array_foreach (c->sids, i, one)
		if (json_integer_value(one) == sid)
			return true;
	return false;
}

int visitor_read_gpp(const struct http_request *req, struct visitor_consent *c, struct errtext *why)
{
	struct gpp_reading reading = gpp_read(c->gpp, req->arena);
	const struct gpp_section *tcf;

	if (reading.error) {
		errtext_set(why, "%s", reading.error);
		return ERR_INPUT;
	}
	c->sections = reading.gpp;
	tcf = gpp_find(c->sections, GPP_TCFEU);
	if (tcf)
		c->consent = tcf->text;
	return 0;
}

void visitor_scope(const struct http_request *req, const struct visitor_consent *c,
		   struct activity_scope *ret_scope)
{
	*ret_scope = (struct activity_scope){
		.gpp_sid = c->sids,
		.country = STR(""),
		.region = STR(""),
		.gpc = str_eq(http_request_header(req, "Sec-GPC"), STR("1")) ? STR("1") : STR(""),
	};
}

static const struct gvl *find_gvl(void *lists, unsigned specification, unsigned version)
{
	return vendor_lists_find(lists, specification, version);
}

void visitor_sync_rules(const struct http_request *req, const struct visitor_consent *c,
			const struct privacy_account *account, struct privacy_sync *ret_rules)
{
	const struct pbs_worker *w = pbs_worker_of(req);

	*ret_rules = (struct privacy_sync){
		.host = pbs_request_live(req)->privacy,
		.account = account,
		.gdpr = c->signal,
		.consent = c->consent,
		.find_gvl = find_gvl,
		.ctx = w->server->vendor_lists,
		.latest_gvl = vendor_lists_latest(w->server->vendor_lists),
	};
}
