/* consent-decode: reads consent strings, one per line, and prints one JSON object per line.
 *
 *   {"tcf":{…}}, {"gpp":{…}} or {"usp":{…}} with every field, {"error":"…"} for anything else.
 *
 * It is the server's own decoder. Every line gets exactly one answer, whatever it holds. JSON is written as
 * it goes, since sets of vendors can be much larger than the line they came from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/mem.h"
#include "pbs/privacy/gpp.h"
#include "pbs/privacy/tcf.h"
#include "pbs/privacy/tcfca.h"
#include "pbs/privacy/usp.h"

enum { LINE_MAX_BYTES = 1 << 20, RESTRICTION_IDS = 32767 };

/* ---- JSON to stdout; members are written with the comma in front ---- */

static void put_z(const char *z)
{
	fputs(z, stdout);
}

static void put_text(struct str s)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	json_write_str(&b, s);
	fwrite(b.p, 1, b.n, stdout);
	buf_deinit(&b);
}

static void put_key(const char *name)
{
	printf(",\"%s\":", name);
}

static void put_int(const char *name, unsigned v)
{
	printf(",\"%s\":%u", name, v);
}

static void put_bool(const char *name, bool v)
{
	printf(",\"%s\":%s", name, v ? "true" : "false");
}

/* 36 bits of deciseconds reach the year 4147, so four digits do. */
static void put_time(const char *name, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	printf(",\"%s\":\"%s.%03dZ\"", name, text, (int)(ms % 1000));
}

static void put_mask(const char *name, uint64_t mask)
{
	const char *comma = "";

	put_key(name);
	put_z("[");
	for (unsigned i = 0; i < 64; i++)
		if (mask >> i & 1) {
			printf("%s%u", comma, i + 1);
			comma = ",";
		}
	put_z("]");
}

static void put_ids(const char *name, const struct id_set *set)
{
	const char *comma = "";

	put_key(name);
	put_z("[");
	for (uint32_t id = 1; id <= set->max; id++)
		if (id_set_has(set, id)) {
			printf("%s%u", comma, id);
			comma = ",";
		}
	put_z("]");
}

/* ---- TCF ---- */

static void put_restrictions(const struct tcf *t, struct arena *a)
{
	put_key("publisher_restrictions");
	put_z("[");
	for (size_t i = 0; i < t->n_restrictions; i++) {
		const struct tcf_restriction *r = &t->restrictions[i];
		struct id_set set;

		id_set_init(&set, RESTRICTION_IDS, a);
		for (unsigned k = 0; k < r->n; k++)
			id_set_add_range(&set, r->ranges[k].first, r->ranges[k].last);
		printf("%s{\"purpose\":%u,\"type\":%u", i ? "," : "", r->purpose, r->type);
		put_ids("vendors", &set);
		put_z("}");
	}
	put_z("]");
}

static void put_segments(const struct tcf *t)
{
	put_key("segments");
	printf("[\"core\"%s%s%s]", t->segments & TCF_DISCLOSED ? ",\"disclosed_vendors\"" : "",
	       t->segments & TCF_ALLOWED ? ",\"allowed_vendors\"" : "",
	       t->segments & TCF_PUBLISHER ? ",\"publisher_tc\"" : "");
}

static void put_tcf(const struct tcf *t, struct arena *a)
{
	put_z("{\"version\":2");
	put_time("created", t->created_ms);
	put_time("last_updated", t->last_updated_ms);
	put_int("cmp_id", t->cmp_id);
	put_int("cmp_version", t->cmp_version);
	put_int("consent_screen", t->consent_screen);
	printf(",\"consent_language\":\"%s\"", t->consent_language);
	put_int("vendor_list_version", t->vendor_list_version);
	put_int("policy_version", t->policy_version);
	put_bool("is_service_specific", t->is_service_specific);
	put_bool("use_non_standard_texts", t->use_non_standard_texts);
	put_bool("purpose_one_treatment", t->purpose_one_treatment);
	printf(",\"publisher_cc\":\"%s\"", t->publisher_cc);
	put_mask("purposes_consent", t->purposes_consent);
	put_mask("purposes_li", t->purposes_li);
	put_mask("special_features", t->special_features);
	put_ids("vendors_consent", &t->vendors_consent);
	put_ids("vendors_li", &t->vendors_li);
	put_ids("vendors_disclosed", &t->vendors_disclosed);
	put_ids("vendors_allowed", &t->vendors_allowed);
	put_restrictions(t, a);
	put_mask("publisher_consent", t->publisher_consent);
	put_mask("publisher_li", t->publisher_li);
	put_int("num_custom_purposes", t->n_custom_purposes);
	put_mask("publisher_custom_consent", t->custom_consent);
	put_mask("publisher_custom_li", t->custom_li);
	put_segments(t);
	put_z("}");
}

/* The server makes do with the core when a later segment is broken; who decodes by hand wants to know. */
static int read_tcf(struct str text, struct arena *a, struct errtext *why, struct tcf **ret_tcf)
{
	struct tcf *t;
	int err = tcf_parse(text, a, why, &t);

	if (!err && t->segment_error) {
		errtext_set(why, "a segment behind the core is malformed: %s", t->segment_error);
		return -1;
	}
	if (!err)
		*ret_tcf = t;
	return err;
}

static void put_tcfca(const struct tcfca *t)
{
	printf("{\"version\":%u", t->version);
	put_time("created", t->created_ms);
	put_time("last_updated", t->last_updated_ms);
	put_int("cmp_id", t->cmp_id);
	put_int("cmp_version", t->cmp_version);
	put_int("consent_screen", t->consent_screen);
	printf(",\"consent_language\":\"%s\"", t->consent_language);
	put_int("vendor_list_version", t->vendor_list_version);
	put_int("policy_version", t->policy_version);
	put_bool("use_non_standard_texts", t->use_non_standard_texts);
	put_mask("special_features", t->special_features);
	put_mask("purposes_express", t->purposes_express);
	put_mask("purposes_implied", t->purposes_implied);
	put_ids("vendors_express", &t->vendors_express);
	put_ids("vendors_implied", &t->vendors_implied);
	put_ids("vendors_disclosed", &t->vendors_disclosed);
	put_key("publisher_restrictions");
	put_z("[");
	for (size_t i = 0; i < t->n_restrictions; i++) {
		printf("%s{\"purpose\":%u,\"type\":%u", i ? "," : "", t->restrictions[i].purpose,
		       t->restrictions[i].type);
		put_ids("vendors", &t->restrictions[i].vendors);
		put_z("}");
	}
	put_z("]");
	put_mask("publisher_express", t->publisher_express);
	put_mask("publisher_implied", t->publisher_implied);
	put_int("num_custom_purposes", t->n_custom_purposes);
	put_mask("publisher_custom_express", t->custom_express);
	put_mask("publisher_custom_implied", t->custom_implied);
	put_z("}");
}

/* ---- US ---- */

static void put_usp(const struct usp *u)
{
	printf("{\"version\":1,\"notice\":\"%c\",\"opt_out_sale\":\"%c\",\"lspa_covered\":\"%c\"}", u->notice,
	       u->opt_out_sale, u->lspa_covered);
}

static void put_us(const struct gpp_us *us)
{
	const char *comma = "";

	put_z("{");
	for (unsigned f = 0; f < GPP_FIELD_COUNT; f++) {
		if (!(us->has >> f & 1))
			continue;
		printf("%s\"%s\":", comma, gpp_field_name(f));
		comma = ",";
		if (f == GPP_GPC)
			put_z(us->value[f][0] ? "true" : "false");
		else if (us->n[f] == 1)
			printf("%u", us->value[f][0]);
		else
			for (unsigned i = 0; i < us->n[f]; i++)
				printf("%c%u%s", i ? ',' : '[', us->value[f][i],
				       i + 1 == us->n[f] ? "]" : "");
	}
	put_z("}");
}

/* ---- GPP ---- */

static void put_error(const char *why)
{
	put_z("{\"error\":");
	put_text(str_of(why));
	put_z("}");
}

/* What was read of one section; at most one of the pointers is set. */
struct section {
	struct errtext why;
	const char *error;
	struct tcf *tcf;
	struct tcfca *ca;
	struct usp usp;
};

static void read_section(const struct gpp_section *s, struct arena *a, struct section *r)
{
	int err = 0;

	*r = (struct section){ .error = s->error };
	if (s->id == GPP_TCFEU)
		err = read_tcf(s->text, a, &r->why, &r->tcf);
	else if (s->id == GPP_TCFCA)
		err = tcfca_parse(s->text, a, &r->why, &r->ca);
	else if (s->id == GPP_USP)
		err = usp_parse(s->text, &r->why, &r->usp);
	if (err)
		r->error = r->why.text;
}

static void put_section(const struct gpp_section *s, struct arena *a)
{
	struct section r;

	read_section(s, a, &r);
	if (r.error)
		put_error(r.error);
	else if (s->us)
		put_us(s->us);
	else if (r.tcf)
		put_tcf(r.tcf, a);
	else if (r.ca)
		put_tcfca(r.ca);
	else if (s->id == GPP_USP)
		put_usp(&r.usp);
	else
		printf("{\"undecoded_chars\":%zu}", s->text.n);
}

/* A container with a broken section is broken, though the rest can be read: the answer starts with "error". */
static void put_first_error(const struct gpp *g, struct arena *a)
{
	for (size_t i = 0; i < g->n; i++) {
		struct section r;

		read_section(&g->sections[i], a, &r);
		if (r.error) {
			put_z("\"error\":");
			put_text(str_of(r.error));
			put_z(",");
			return;
		}
	}
}

static void put_gpp(const struct gpp *g, struct arena *a)
{
	printf("{\"version\":%u,\"section_ids\":[", g->version);
	for (size_t i = 0; i < g->n; i++)
		printf("%s%u", i ? "," : "", g->sections[i].id);
	put_z("],\"sections\":{");
	for (size_t i = 0; i < g->n; i++) {
		const char *name = gpp_section_name(g->sections[i].id);

		put_z(i ? "," : "");
		if (name)
			printf("\"%s\":", name);
		else
			printf("\"%u\":", g->sections[i].id);
		put_section(&g->sections[i], a);
	}
	put_z("}}");
}

/* ---- lines ---- */

/* The first character tells them apart: a US privacy string starts with its version, a GPP header with its
 * type (3 = D); anything else is given to the TCF decoder, whose complaint is then the answer. */
static void answer(struct str line)
{
	struct arena *a = arena_new();
	struct errtext why;
	struct usp usp = { 0 };
	struct gpp *gpp = NULL;
	struct tcf *tcf = NULL;
	char kind = line.n ? line.p[0] : '\0';
	int err;

	if (kind == '1') {
		err = usp_parse(line, &why, &usp);
		if (!err) {
			put_z("{\"usp\":");
			put_usp(&usp);
		}
	} else if (kind == 'D') {
		err = gpp_parse(line, a, &why, &gpp);
		if (!err) {
			put_z("{");
			put_first_error(gpp, a);
			put_z("\"gpp\":");
			put_gpp(gpp, a);
		}
	} else {
		err = read_tcf(line, a, &why, &tcf);
		if (!err) {
			put_z("{\"tcf\":");
			put_tcf(tcf, a);
		}
	}
	if (err)
		put_error(why.text);
	put_z(err ? "\n" : "}\n");
	arena_free(a);
}

/* False at the end of the input. A line beyond the ceiling is read to its end and `overflow` says so. */
static bool read_line(struct buf *line)
{
	int c = getc_unlocked(stdin);

	buf_clear(line);
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc_unlocked(stdin))
		buf_add_c(line, (char)c);
	return true;
}

static struct str trim(struct str s)
{
	s = str_trim(s);
	while (s.n && s.p[s.n - 1] == '\r')
		s = str_trim((struct str){ s.p, s.n - 1 });
	return s;
}

int main(int argc, char **argv)
{
	struct buf line;

	if (argc > 1) {
		fprintf(stderr, "usage: %s < strings\n", argv[0]);
		return strcmp(argv[1], "--help") ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	buf_init(&line, LINE_MAX_BYTES);
	while (read_line(&line)) {
		if (line.overflow) {
			put_error("the line is too long");
			put_z("\n");
		} else {
			answer(trim(buf_str(&line)));
		}
		fflush(stdout);
	}
	buf_deinit(&line);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
