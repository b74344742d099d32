#include "pbs/usersync/syncer.h"

#include <stdlib.h>
#include <strings.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/url.h"
#include "pbs/adapters/registry.h"

#define DEFAULT_REDIRECT                                                                                     \
	"{{.ExternalURL}}/setuid?bidder={{.SyncerKey}}&gdpr={{.GDPR}}&gdpr_consent={{.GDPRConsent}}"         \
	"&gpp={{.GPP}}&gpp_sid={{.GPPSID}}&f={{.SyncType}}&uid={{.UserMacro}}"

enum { URL_MAX = 16384, PIECES_MAX = 64 };

/* Macros that every request fills, by their place in struct sync_macros. */
static const struct {
	const char *name;
	size_t offset;
} request_macros[] = {
	{ "GDPR", offsetof(struct sync_macros, gdpr) },
	{ "GDPRConsent", offsetof(struct sync_macros, gdpr_consent) },
	{ "USPrivacy", offsetof(struct sync_macros, us_privacy) },
	{ "GPP", offsetof(struct sync_macros, gpp) },
	{ "GPPSID", offsetof(struct sync_macros, gpp_sid) },
};

struct sync_piece {
	struct str text;
	int macro; /* index into request_macros that follows the text, -1 = none */
};

struct syncers {
	struct arena *arena;
	struct syncer *list;
	size_t n;
};

static const char *const type_names[SYNC_TYPES] = { "iframe", "redirect" };

const char *sync_type_name(enum sync_type type)
{
	return type_names[type];
}

/* --- templates --- */

/* Takes text up to the next macro off *rest; false when no macro followed. The name has no blanks around it. */
static bool next_macro(struct str *rest, struct str *ret_text, struct str *ret_name)
{
	const char *open = rest->n ? memmem(rest->p, rest->n, "{{", 2) : NULL, *close = NULL;
	struct str name;

	if (open)
		close = memmem(open, (size_t)(rest->p + rest->n - open), "}}", 2);
	if (!close) {
		*ret_text = *rest;
		*rest = STR("");
		return false;
	}
	*ret_text = (struct str){ rest->p, (size_t)(open - rest->p) };
	name = str_trim((struct str){ open + 2, (size_t)(close - open - 2) });
	*ret_name = str_starts(name, STR(".")) ? (struct str){ name.p + 1, name.n - 1 } : STR("");
	*rest = (struct str){ close + 2, (size_t)(rest->p + rest->n - close - 2) };
	return true;
}

static int request_macro(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(request_macros); i++)
		if (str_eq(name, str_of(request_macros[i].name)))
			return (int)i;
	return -1;
}

struct value {
	const char *name;
	struct str text;
};

/* Replaces the macros of `values`; the others are kept as {{.Name}}. */
static struct str replace(struct arena *a, struct str text, const struct value *values, size_t n)
{
	struct str rest = text, plain, name, out;
	struct buf b;
	bool more;

	buf_init(&b, URL_MAX);
	do {
		size_t i = 0;

		more = next_macro(&rest, &plain, &name);
		buf_add_str(&b, plain);
		if (!more)
			break;
		while (i < n && !str_eq(name, str_of(values[i].name)))
			i++;
		if (i < n)
			buf_add_str(&b, values[i].text);
		else
			buf_addf(&b, "{{." STR_FMT "}}", STR_ARG(name));
	} while (more);
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

/* The redirect as a parameter of another URL: encoded, save for the macros. */
static struct str encode_around_macros(struct arena *a, struct str text)
{
	struct str rest = text, plain, name, out;
	struct buf b;
	bool more;

	buf_init(&b, URL_MAX);
	do {
		more = next_macro(&rest, &plain, &name);
		url_encode_query(&b, plain);
		if (more)
			buf_addf(&b, "{{." STR_FMT "}}", STR_ARG(name));
	} while (more);
	out = arena_str(a, buf_str(&b));
	buf_deinit(&b);
	return out;
}

/* Cuts at the request's macros; ERR_INPUT for any other. */
static int compile(struct arena *a, struct str text, struct sync_url *ret_url)
{
	struct sync_piece *pieces = ARENA_ARRAY(a, struct sync_piece, PIECES_MAX);
	struct str name, rest = text;
	size_t n = 0;
	bool more;

	do {
		if (n == PIECES_MAX)
			return ERR_LIMIT;
		more = next_macro(&rest, &pieces[n].text, &name);
		pieces[n].macro = more ? request_macro(name) : -1;
		if (more && pieces[n].macro < 0)
			return ERR_INPUT;
		n++;
	} while (more);
	*ret_url = (struct sync_url){ pieces, n };
	return 0;
}

static void add_pieces(const struct sync_url *url, const struct sync_macros *m, struct buf *b)
{
	for (size_t i = 0; i < url->n; i++) {
		const struct sync_piece *p = &url->pieces[i];

		buf_add_str(b, p->text);
		if (p->macro >= 0)
			buf_add_str(b, *(const struct str *)(const void *)((const char *)m +
									   request_macros[p->macro].offset));
	}
}

void syncer_url(const struct syncer *s, enum sync_type type, const struct sync_macros *m, struct buf *b)
{
	add_pieces(&s->url[type], m, b);
}

bool sync_value_is_safe(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (c == 0 || !strchr("-_.~,=", c)))
			return false;
	}
	return true;
}

/* --- building --- */

static const char *first_of(const char *a, const char *b)
{
	return a ? a : b;
}

/* Composed with test values, the URL must be one that a browser can load. */
static bool is_loadable(const struct sync_url *url)
{
	static const struct sync_macros sample = {
		{ "1", 1 }, { "A", 1 }, { "1YNN", 4 }, { "B", 1 }, { "2", 1 }
	};
	struct buf b;
	bool ok;

	buf_init(&b, URL_MAX);
	add_pieces(url, &sample, &b);
	ok = !b.overflow && url_is_http(buf_str(&b));
	buf_deinit(&b);
	return ok;
}

static int build_url(struct syncers *set, const struct syncers_options *opt, struct syncer *s,
		     const struct bidder_sync *primary, enum sync_type type, struct errtext *why)
{
	const struct bidder_sync_endpoint *e = type == SYNC_IFRAME ? &primary->iframe : &primary->redirect;
	const char *format = first_of(s->info->format_override, type == SYNC_IFRAME ? "b" : "i");
	const char *external = first_of(e->external_url, primary->external_url);
	struct value values[] = {
		{ "SyncerKey", str_of(s->bidder) },
		{ "BidderName", str_of(s->bidder) },
		{ "SyncType", str_of(format) },
		{ "UserMacro", str_of(e->user_macro) },
		{ "ExternalURL", external ? str_of(external) : opt->external_url },
	};
	struct str redirect = e->redirect_url ? str_of(e->redirect_url) : opt->redirect_url, url;
	struct value inner;

	if (!e->url)
		return 0;
	if (redirect.n == 0)
		redirect = STR(DEFAULT_REDIRECT);
	redirect = replace(set->arena, redirect, values, ARRAY_LEN(values));
	inner = (struct value){ "RedirectURL", encode_around_macros(set->arena, redirect) };
	url = replace(set->arena, str_of(e->url), &inner, 1);
	if (compile(set->arena, url, &s->url[type]) < 0 || !is_loadable(&s->url[type])) {
		errtext_set(why,
			    "cannot create syncer for bidder %s with key " STR_FMT ": %s composed url: "
			    "\"" STR_FMT "\" is invalid",
			    s->bidder, STR_ARG(s->key), type_names[type], STR_ARG(url));
		return ERR_INPUT;
	}
	return 0;
}

static bool has_endpoints(const struct bidder_sync *s)
{
	return s->iframe.url || s->redirect.url;
}

static bool same_text(const char *a, const char *b)
{
	return str_eq(str_of(a), str_of(b));
}

static bool same_endpoint(const struct bidder_sync_endpoint *a, const struct bidder_sync_endpoint *b)
{
	return same_text(a->url, b->url) && same_text(a->redirect_url, b->redirect_url) &&
	       same_text(a->external_url, b->external_url) && same_text(a->user_macro, b->user_macro);
}

static bool same_definition(const struct bidder_sync *a, const struct bidder_sync *b)
{
	return same_endpoint(&a->iframe, &b->iframe) && same_endpoint(&a->redirect, &b->redirect) &&
	       same_text(a->external_url, b->external_url) &&
	       same_text(a->format_override, b->format_override) && a->off == b->off &&
	       a->skip_gdpr == b->skip_gdpr &&
	       (a->skip_gpp_sids == b->skip_gpp_sids ||
		json_equal((json_t *)a->skip_gpp_sids, (json_t *)b->skip_gpp_sids));
}

/* "a, b": the bidders of one key, those with endpoints only when asked so. */
static struct str name_group(const struct syncers *set, struct str key, bool only_defining)
{
	struct buf b;
	struct str out;

	buf_init(&b, 512);
	for (size_t i = 0; i < set->n; i++) {
		const struct syncer *s = &set->list[i];

		if (!str_eq(s->key, key) || (only_defining && !has_endpoints(s->info)))
			continue;
		buf_add_z(&b, b.n ? ", " : "");
		buf_add_z(&b, s->bidder);
	}
	out = arena_str(set->arena, buf_str(&b));
	buf_deinit(&b);
	return out;
}

/* Whose endpoints the bidders of this key use. */
static const struct bidder_sync *find_primary(const struct syncers *set, const struct syncer *of,
					      struct errtext *why)
{
	const struct bidder_sync *primary = NULL;
	size_t members = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct syncer *s = &set->list[i];

		if (!str_eq(s->key, of->key))
			continue;
		members++;
		if (!has_endpoints(s->info))
			continue;
		if (primary && !same_definition(primary, s->info)) {
			errtext_set(why,
				    "bidders " STR_FMT " define endpoints (iframe and/or redirect) for the "
				    "same syncer key, but only one bidder is permitted to define endpoints "
				    "unless the configs are identical",
				    STR_ARG(name_group(set, of->key, true)));
			return NULL;
		}
		if (!primary)
			primary = s->info;
	}
	if (!primary && members > 1)
		errtext_set(why,
			    "bidders " STR_FMT " share the same syncer key, but none define endpoints "
			    "(iframe and/or redirect)",
			    STR_ARG(name_group(set, of->key, false)));
	else if (!primary)
		errtext_set(why,
			    "cannot create syncer for bidder %s with key " STR_FMT ": at least one endpoint "
			    "(iframe and/or redirect) is required",
			    of->bidder, STR_ARG(of->key));
	return primary;
}

static int build(struct syncers *set, const struct syncers_options *opt, struct syncer *s,
		 struct errtext *why)
{
	const struct bidder_sync *primary = find_primary(set, s, why);

	if (!primary)
		return ERR_INPUT;
	for (int type = 0; type < SYNC_TYPES; type++)
		if (build_url(set, opt, s, primary, (enum sync_type)type, why) < 0)
			return ERR_INPUT;
	s->default_type = s->url[SYNC_IFRAME].n ? SYNC_IFRAME : SYNC_REDIRECT;
	s->format = s->default_type == SYNC_IFRAME ? 'b' : 'i';
	if (s->info->format_override)
		s->format = s->info->format_override[0];
	return 0;
}

/* Enabled bidders that say how; what is disabled has no syncer. */
static void collect(struct syncers *set, const struct registry *r)
{
	set->list = ARENA_ARRAY(set->arena, struct syncer, registry_count(r));
	for (size_t i = 0; i < registry_count(r); i++) {
		const struct registry_bidder *b = registry_at(r, i);

		if (!b->disabled && b->info.sync.defined && b->info.sync.key)
			set->list[set->n++] = (struct syncer){
				.bidder = b->bidder.name,
				.key = str_of(b->info.sync.key),
				.info = &b->info.sync,
			};
	}
}

static int check_format(const struct syncer *s, struct errtext *why)
{
	const char *f = s->info->format_override;

	if (!f || !strcmp(f, "b") || !strcmp(f, "i"))
		return 0;
	errtext_set(why,
		    "cannot create syncer for bidder %s: formatOverride \"%s\" is neither \"b\" nor \"i\"",
		    s->bidder, f);
	return ERR_INPUT;
}

struct syncers *syncers_new(const struct registry *r, const struct syncers_options *opt,
			    const char **ret_wrong, struct errtext *why)
{
	struct syncers *set = xcalloc(1, sizeof *set);

	set->arena = arena_new();
	collect(set, r);
	for (size_t i = 0; i < set->n; i++)
		if (check_format(&set->list[i], why) < 0 || build(set, opt, &set->list[i], why) < 0) {
			*ret_wrong = set->list[i].bidder;
			syncers_free(set);
			return NULL;
		}
	return set;
}

void syncers_free(struct syncers *s)
{
	if (!s)
		return;
	arena_free(s->arena);
	free(s);
}

const struct syncer *syncers_find(const struct syncers *s, struct str bidder)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (str_eq_nocase(str_of(s->list[i].bidder), bidder))
			return &s->list[i];
	return NULL;
}

size_t syncers_count(const struct syncers *s)
{
	return s->n;
}

const struct syncer *syncers_at(const struct syncers *s, size_t i)
{
	return &s->list[i];
}
