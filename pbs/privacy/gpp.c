/* Layouts are data: a section is a list of fields, each two bits wide (the version six) and perhaps repeated.
 * A new state is a new row. */
#include "pbs/privacy/gpp.h"

#include "common/err.h"
#include "common/mem.h"
#include "pbs/privacy/bits.h"

static const struct {
	const char *name, *spec_name;
} fields[GPP_FIELD_COUNT] = {
#define X(id, name, spec_name) [GPP_##id] = { name, spec_name },
	GPP_FIELDS(X)
#undef X
};

/* The reference knows the sections up to Connecticut's, and takes any text for the later ones. */
enum { LAST_CHECKED = 12 };

struct layout_field {
	uint8_t field, n; /* n = 0 ends a layout */
};

#define F(id)                                                                                                \
	{                                                                                                    \
		GPP_##id, 1                                                                                  \
	}
#define L(id, n)                                                                                             \
	{                                                                                                    \
		GPP_##id, n                                                                                  \
	}
#define MSPA                                                                                                 \
	F(MSPA_COVERED), F(MSPA_OPT_OUT_MODE), F(MSPA_SERVICE_MODE),                                         \
	{                                                                                                    \
		0, 0                                                                                         \
	}
#define OPT_OUTS F(SALE_OPT_OUT_NOTICE), F(TARGETED_NOTICE), F(SALE_OPT_OUT), F(TARGETED_OPT_OUT)
#define USNAT(sensitive, child)                                                                              \
	{                                                                                                    \
		F(VERSION), F(SHARING_NOTICE), F(SALE_OPT_OUT_NOTICE), F(SHARING_OPT_OUT_NOTICE),            \
			F(TARGETED_NOTICE), F(SENSITIVE_NOTICE), F(SENSITIVE_LIMIT_NOTICE), F(SALE_OPT_OUT), \
			F(SHARING_OPT_OUT), F(TARGETED_OPT_OUT), L(SENSITIVE, sensitive), L(CHILD, child),   \
			F(PERSONAL_DATA), MSPA                                                               \
	}
/* the states of 2023, of 2024 and later, and those that put the MSPA first */
#define STATE_2023(sensitive, child)                                                                         \
	{                                                                                                    \
		F(VERSION), F(SHARING_NOTICE), OPT_OUTS, L(SENSITIVE, sensitive), L(CHILD, child), MSPA      \
	}
#define STATE_2024(sensitive, child)                                                                         \
	{                                                                                                    \
		F(VERSION), F(PROCESSING_NOTICE), OPT_OUTS, L(SENSITIVE, sensitive), L(CHILD, child),        \
			F(ADDITIONAL_DATA), MSPA                                                             \
	}
#define MSPA_FIRST F(MSPA_VERSION), F(MSPA_COVERED), F(MSPA_MODE), F(PROCESSING_NOTICE), OPT_OUTS

static const struct layout_field usnat_v1[] = USNAT(12, 2), usnat_v2[] = USNAT(16, 3);
static const struct layout_field usca[] = { F(VERSION),
					    F(SALE_OPT_OUT_NOTICE),
					    F(SHARING_OPT_OUT_NOTICE),
					    F(SENSITIVE_LIMIT_NOTICE),
					    F(SALE_OPT_OUT),
					    F(SHARING_OPT_OUT),
					    L(SENSITIVE, 9),
					    L(CHILD, 2),
					    F(PERSONAL_DATA),
					    MSPA };
static const struct layout_field usut[] = {
	F(VERSION),      F(SHARING_NOTICE),   F(SALE_OPT_OUT_NOTICE), F(TARGETED_NOTICE), F(SENSITIVE_NOTICE),
	F(SALE_OPT_OUT), F(TARGETED_OPT_OUT), L(SENSITIVE, 8),        F(CHILD),           MSPA
};
static const struct layout_field usia[] = { F(VERSION),
					    F(PROCESSING_NOTICE),
					    F(SALE_OPT_OUT_NOTICE),
					    F(TARGETED_NOTICE),
					    F(SENSITIVE_OPT_OUT_NOTICE),
					    F(SALE_OPT_OUT),
					    F(TARGETED_OPT_OUT),
					    L(SENSITIVE, 8),
					    F(CHILD),
					    MSPA };
static const struct layout_field state_8_1[] = STATE_2023(8, 1), state_7_1[] = STATE_2023(7, 1),
				 state_8_3[] = STATE_2023(8, 3);
static const struct layout_field later_8_1[] = STATE_2024(8, 1), later_8_3[] = STATE_2024(8, 3),
				 later_11_3[] = STATE_2024(11, 3), later_9_5[] = STATE_2024(9, 5),
				 later_10_5[] = STATE_2024(10, 5);
static const struct layout_field usmt[] = { F(VERSION),  F(SHARING_NOTICE),  OPT_OUTS, L(SENSITIVE, 8),
					    L(CHILD, 3), F(ADDITIONAL_DATA), MSPA };
static const struct layout_field usmd[] = { MSPA_FIRST, F(ADDITIONAL_DATA), { 0, 0 } };
static const struct layout_field mspa_child[] = { MSPA_FIRST, F(CHILD), F(ADDITIONAL_DATA), { 0, 0 } };
static const struct layout_field consent_segment[] = { L(SENSITIVE, 8), { 0, 0 } };

enum second_segment { SECOND_NONE, SECOND_GPC, SECOND_SENSITIVE };

/* `geo`: which item of the sensitive data is precise geolocation. `under_13`: bits of the child list that
 * speak of children under 13 (the others are about teenagers). `error_name` is what the reference calls it.
 */
static const struct {
	const char *name, *error_name;
	const struct layout_field *core;
	enum second_segment second;
	int8_t geo;
	uint8_t under_13;
} sections[GPP_US_LAST + 1] = {
	[1] = { "tcfeuv1", "tcfeu1", NULL, SECOND_NONE, -1, 0 },
	[2] = { "tcfeuv2", "tcfeu2", NULL, SECOND_NONE, -1, 0 },
	[3] = { "gpp", "gpp", NULL, SECOND_NONE, -1, 0 },
	[4] = { "gppsignal", "gppsignal", NULL, SECOND_NONE, -1, 0 },
	[5] = { "tcfcav1", "tcfca1", NULL, SECOND_NONE, -1, 0 },
	[6] = { "uspv1", "uspv1", NULL, SECOND_NONE, -1, 0 },
	[7] = { "usnat", "uspnat", usnat_v1, SECOND_GPC, 7, 1 << 1 },
	[8] = { "usca", "uspca", usca, SECOND_GPC, 2, 0 },
	[9] = { "usva", "uspva", state_8_1, SECOND_NONE, 7, 1 },
	[10] = { "usco", "uspco", state_7_1, SECOND_GPC, -1, 1 },
	[11] = { "usut", "usput", usut, SECOND_NONE, 7, 1 },
	[12] = { "usct", "uspct", state_8_3, SECOND_GPC, 7, 1 },
	[13] = { "usfl", "uspfl", later_8_3, SECOND_NONE, 7, 1 },
	[14] = { "usmt", "uspmt", usmt, SECOND_GPC, 7, 1 },
	[15] = { "usor", "uspor", later_11_3, SECOND_GPC, 7, 1 },
	[16] = { "ustx", "usptx", later_8_1, SECOND_GPC, 7, 1 },
	[17] = { "usde", "uspde", later_9_5, SECOND_GPC, 7, 1 },
	[18] = { "usia", "uspia", usia, SECOND_GPC, 7, 1 },
	[19] = { "usne", "uspne", later_8_1, SECOND_GPC, 7, 1 },
	[20] = { "usnh", "uspnh", later_8_3, SECOND_GPC, 7, 1 },
	[21] = { "usnj", "uspnj", later_10_5, SECOND_GPC, 7, 1 },
	[22] = { "ustn", "usptn", later_8_1, SECOND_GPC, 7, 1 },
	[23] = { "usmn", "uspmn", later_8_1, SECOND_GPC, 7, 1 },
	[24] = { "usmd", "uspmd", usmd, SECOND_GPC, -1, 0 },
	[25] = { "usin", "uspin", mspa_child, SECOND_SENSITIVE, 7, 1 },
	[26] = { "usky", "uspky", mspa_child, SECOND_SENSITIVE, 7, 1 },
	[27] = { "usri", "uspri", mspa_child, SECOND_SENSITIVE, 7, 1 },
};

const char *gpp_section_name(unsigned id)
{
	return id <= GPP_US_LAST ? sections[id].name : NULL;
}

const char *gpp_field_name(enum gpp_field field)
{
	return fields[field].name;
}

int gpp_geo_index(unsigned id)
{
	return id <= GPP_US_LAST ? sections[id].geo : -1;
}

unsigned gpp_under_13(unsigned id)
{
	return id <= GPP_US_LAST ? sections[id].under_13 : 0;
}

/* A text that does not end with a whole byte is read as if one more character stood there, of zeros, so that
 * encoders which fill up to six bits are understood as well as those which fill up to eight. */
static int decode(struct str text, struct arena *a, struct errtext *why, struct bits *ret_bits)
{
	long bad = bits_decode(text, false, a, ret_bits);
	size_t characters;

	if (bad >= 0) {
		errtext_set(why, "illegal base64 data at input byte %ld", bad);
		return ERR_INPUT;
	}
	characters = ret_bits->n / 6;
	ret_bits->n = (characters + (characters % 4 != 0)) * 6 / 8 * 8;
	return 0;
}

/* ---- US sections ---- */

static int read_layout(struct bits *b, const struct layout_field *f, const char *segment, struct errtext *why,
		       struct gpp_us *us)
{
	for (; f->n; f++) {
		bool is_version = f->field == GPP_VERSION || f->field == GPP_MSPA_VERSION;

		for (unsigned i = 0; i < f->n; i++)
			us->value[f->field][i] = (uint8_t)bits_read(b, is_version ? 6 : 2);
		if (b->over) {
			errtext_set(why,
				    "unable to set field %s.%s due to parse error: the segment was only %zu "
				    "bits long",
				    segment, fields[f->field].spec_name, b->n);
			return ERR_INPUT;
		}
		us->n[f->field] = f->n;
		us->has |= 1u << f->field;
	}
	return 0;
}

static int read_gpc(struct bits *b, struct errtext *why, struct gpp_us *us)
{
	unsigned type = (unsigned)bits_read(b, 2);

	us->value[GPP_GPC][0] = bits_flag(b);
	if (b->over) {
		errtext_set(why,
			    "unable to set field GPCSegment.Gpc due to parse error: the segment is cut off");
		return ERR_INPUT;
	}
	if (type != 1) {
		errtext_set(why,
			    "unable to set field GPCSegment.SubsectionType due to parse error: "
			    "invalid subsection type %u for GPC segment",
			    type);
		return ERR_INPUT;
	}
	us->n[GPP_GPC] = 1;
	us->has |= 1u << GPP_GPC;
	return 0;
}

/* The national section grew lists in its second version. Texts of the old length are read as they always were,
 * whatever version they claim, as the IAB's own library does. */
static const struct layout_field *core_layout(unsigned id, const struct bits *b)
{
	enum { USNAT_V2_BITS = 70 };
	struct bits peek = *b;

	if (id == GPP_USNAT && b->n >= USNAT_V2_BITS && bits_read(&peek, 6) >= 2)
		return usnat_v2;
	return sections[id].core;
}

static int read_us(unsigned id, struct str text, struct arena *a, struct errtext *why, struct gpp_us *us)
{
	enum second_segment second = sections[id].second;
	struct str rest = text;
	struct str core = second == SECOND_NONE ? text : str_cut(&rest, '.');
	struct bits b;
	int err = decode(core, a, why, &b);

	if (!err)
		err = read_layout(&b, core_layout(id, &b), "CoreSegment", why, us);
	if (err || second == SECOND_NONE || !rest.p)
		return err;
	if (memchr(rest.p, '.', rest.n)) {
		errtext_set(why, "more segments than the section has");
		return ERR_INPUT;
	}
	err = decode(rest, a, why, &b);
	if (err)
		return err;
	return second == SECOND_GPC
		       ? read_gpc(&b, why, us)
		       : read_layout(&b, consent_segment, "SensitiveDataConsentSegment", why, us);
}

static void read_section(struct gpp_section *s, struct arena *a)
{
	struct errtext why;
	struct gpp_us *us;

	if (s->id < GPP_USNAT || s->id > GPP_US_LAST)
		return;
	us = ARENA_NEW(a, struct gpp_us);
	if (read_us(s->id, s->text, a, &why, us) < 0)
		s->error = arena_printf(a, "error parsing %s consent string: %s", sections[s->id].error_name,
					why.text);
	else
		s->us = us;
}

/* ---- the container ---- */

/* The section ids ascend by construction. `limit` of them are stored, all are counted. */
static int read_ids(struct bits *b, size_t limit, struct errtext *why, struct gpp_section *ids, size_t *ret_n)
{
	unsigned items = (unsigned)bits_read(b, 12);
	uint32_t first, last = 0;
	size_t n = 0;

	if (b->over) {
		errtext_set(why, "section identifiers: their number is cut off");
		return ERR_INPUT;
	}
	for (unsigned i = 0; i < items; i++) {
		if (!bits_read_id_range(b, &first, &last)) {
			errtext_set(why, "section identifiers: item %u is cut off or out of range", i);
			return ERR_INPUT;
		}
		for (uint32_t id = first; id <= last; id++, n++)
			if (n < limit)
				ids[n].id = id;
	}
	*ret_n = n;
	return 0;
}

static int read_header(struct str text, size_t n_sections, struct arena *a, struct errtext *why,
		       struct gpp *g)
{
	enum { HEADER_TYPE = 3, MIN_BYTES = 3 };
	size_t n_ids;
	struct bits b;
	int err = decode(text, a, why, &b);

	if (err) {
		errtext_prefix(why, "base64 decoding: ");
		return err;
	}
	if (b.n / 8 < MIN_BYTES) {
		errtext_set(why, "should be at least 3 bytes long");
		return ERR_INPUT;
	}
	if (bits_read(&b, 6) != HEADER_TYPE) {
		errtext_set(why, "header must have type=3");
		return ERR_INPUT;
	}
	g->version = (unsigned)bits_read(&b, 6);
	err = read_ids(&b, n_sections, why, g->sections, &n_ids);
	if (!err && n_ids != n_sections) {
		errtext_set(
			why,
			"section IDs do not match the number of sections: found %zu IDs, have %zu sections",
			n_ids, n_sections);
		return ERR_INPUT;
	}
	return err;
}

static size_t count_sections(struct str rest)
{
	size_t n = 0;

	for (const char *p = rest.p; rest.p && (p = memchr(p, '~', (size_t)(rest.p + rest.n - p))); p++)
		n++;
	return n;
}

int gpp_parse(struct str text, struct arena *a, struct errtext *why, struct gpp **ret_gpp)
{
	size_t n = count_sections(text);
	struct str rest = text, header = str_cut(&rest, '~');
	struct gpp *g;
	int err;

	if (text.n > GPP_MAX_CHARS || n > GPP_MAX_SECTIONS) {
		errtext_set(why,
			    "error parsing GPP header, strings of more than %d characters or %d sections are "
			    "not read",
			    GPP_MAX_CHARS, GPP_MAX_SECTIONS);
		return ERR_INPUT;
	}
	g = ARENA_NEW(a, struct gpp);
	g->n = n;
	g->sections = n ? ARENA_ARRAY(a, struct gpp_section, n) : NULL;
	err = read_header(header, n, a, why, g);
	if (err) {
		errtext_prefix(why, "error parsing GPP header, ");
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		g->sections[i].text = str_cut(&rest, '~');
		read_section(&g->sections[i], a);
	}
	*ret_gpp = g;
	return 0;
}

const struct gpp_section *gpp_find(const struct gpp *g, unsigned id)
{
	for (size_t i = 0; g && i < g->n; i++)
		if (g->sections[i].id == id)
			return &g->sections[i];
	return NULL;
}

struct gpp_reading gpp_read(struct str text, struct arena *a)
{
	struct gpp_reading r = { NULL, NULL };
	struct errtext why;
	struct gpp *g = NULL;

	if (text.n == 0)
		return r;
	if (gpp_parse(text, a, &why, &g) < 0 || !g) {
		r.error = arena_strdup(a, why.text);
		return r;
	}
	r.gpp = g;
	for (size_t i = 0; i < g->n && !r.error; i++)
		if (g->sections[i].id <= LAST_CHECKED)
			r.error = g->sections[i].error;
	return r;
}
