/* A code is packed into 15 bits, a pair into 32, and a table is an array of pairs sorted once: the lookup is
 * a binary search without hashing or allocation. */
#include "pbs/price/currency.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "common/err.h"
#include "common/json.h"
#include "common/mem.h"

enum { CODE_LEN = 3 };

/* ISO 4217 with the withdrawn codes that the reference's library still recognises; sorted. */
static const char codes[] =
	"ADPAEDAFAAFNALKALLAMDANGAOAAOKAONAORARAARLARMARPARSATSAUDAWGAZMAZNBADBAMBANBBDBDTBECBEFBELBGLBGM"
	"BGNBGOBHDBIFBMDBNDBOBBOLBOPBOVBRBBRCBREBRLBRNBRRBRZBSDBTNBUKBWPBYBBYNBYRBZDCADCDFCHECHFCHWCLECLF"
	"CLPCNHCNXCNYCOPCOUCRCCSDCSKCUCCUPCVECYPCZKDDMDEMDJFDKKDOPDZDECSECVEEKEGPERNESAESBESPETBEURFIMFJD"
	"FKPFRFGBPGEKGELGHCGHSGIPGMDGNFGNSGQEGRDGTQGWEGWPGYDHKDHNLHRDHRKHTGHUFIDRIEPILPILRILSINRIQDIRRISJ"
	"ISKITLJMDJODJPYKESKGSKHRKMFKPWKRHKROKRWKWDKYDKZTLAKLBPLKRLRDLSLLTLLTTLUCLUFLULLVLLVRLYDMADMAFMCF"
	"MDCMDLMGAMGFMKDMKNMLFMMKMNTMOPMROMRUMTLMTPMURMVPMVRMWKMXNMXPMXVMYRMZEMZMMZNNADNGNNICNIONLGNOKNPR"
	"NZDOMRPABPEIPENPESPGKPHPPKRPLNPLZPTEPYGQARRHDROLRONRSDRUBRURRWFSARSBDSCRSDDSDGSDPSEKSGDSHPSITSKK"
	"SLESLLSOSSRDSRGSSPSTDSTNSURSVCSYPSZLTHBTJRTJSTMMTMTTNDTOPTPETRLTRYTTDTWDTZSUAHUAKUGSUGXUSDUSNUSS"
	"UYIUYPUYUUYWUZSVEBVEDVEFVESVNDVNNVUVWSTXAFXAGXAUXBAXBBXBCXBDXCDXDRXEUXFOXFUXOFXPDXPFXPTXREXSUXTS"
	"XUAXXXYDDYERYUDYUMYUNYURZALZARZMKZMWZRNZRZZWDZWLZWR";

struct entry {
	uint32_t pair; /* from << 16 | to */
	double rate;
};

struct currency_table {
	size_t n;
	struct entry entries[];
};

/* 1..17576, or 0 when the text is not three letters. */
static uint32_t pack(struct str code)
{
	uint32_t packed = 0;

	if (code.n != CODE_LEN)
		return 0;
	for (size_t i = 0; i < CODE_LEN; i++) {
		if (!isalpha((unsigned char)code.p[i]) || (unsigned char)code.p[i] > 'z')
			return 0;
		packed = packed * 26 + (uint32_t)(toupper((unsigned char)code.p[i]) - 'A');
	}
	return packed + 1;
}

static int compare_code(const void *key, const void *row)
{
	return strncasecmp(key, row, CODE_LEN);
}

bool currency_is_known(struct str code)
{
	return pack(code) &&
	       bsearch(code.p, codes, (sizeof codes - 1) / CODE_LEN, CODE_LEN, compare_code) != NULL;
}

static int compare_entry(const void *a, const void *b)
{
	uint32_t x = ((const struct entry *)a)->pair, y = ((const struct entry *)b)->pair;

	return (x > y) - (x < y);
}

static const struct entry *entry_find(const struct currency_table *t, uint32_t from, uint32_t to)
{
	struct entry key = { .pair = from << 16 | to };

	return bsearch(&key, t->entries, t->n, sizeof key, compare_entry);
}

static size_t count_rates(json_t *conversions)
{
	size_t n = 0;
	const char *from;
	json_t *to;

	json_object_foreach (conversions, from, to)
		n += json_object_size(to);
	return n;
}

static void add_base(struct currency_table *t, struct str from, json_t *rates)
{
	const char *key;
	json_t *rate;

	if (!currency_is_known(from))
		return;
	json_object_foreach (rates, key, rate) {
		double v = json_number_value(rate);

		if (currency_is_known(str_of(key)) && isfinite(v) && v > 0)
			t->entries[t->n++] = (struct entry){ pack(from) << 16 | pack(str_of(key)), v };
	}
}

/* "usd" and "USD" in one file are one currency: the first in sorted order stays. */
static void sort_unique(struct currency_table *t)
{
	size_t kept = 0;

	qsort(t->entries, t->n, sizeof t->entries[0], compare_entry);
	for (size_t i = 0; i < t->n; i++)
		if (kept == 0 || t->entries[kept - 1].pair != t->entries[i].pair)
			t->entries[kept++] = t->entries[i];
	t->n = kept;
}

struct currency_table *currency_table_from_json(const json_t *conversions)
{
	json_t *all = (json_t *)(uintptr_t)conversions; /* jansson's iterators take no const */
	struct currency_table *t;
	const char *from;
	json_t *rates;

	if (!json_is_object(all) || json_object_size(all) == 0)
		return NULL;
	t = xcalloc(1, sizeof *t + count_rates(all) * sizeof t->entries[0]);
	json_object_foreach (all, from, rates)
		add_base(t, str_of(from), rates);
	sort_unique(t);
	return t;
}

struct currency_table *currency_table_parse(struct str text, struct errtext *why)
{
	json_auto_t *file = json_parse(text, why);
	struct currency_table *t;

	if (!file)
		return NULL;
	t = currency_table_from_json(json_object_get(file, "conversions"));
	if (!t)
		errtext_set(why, "no object \"conversions\" with rates");
	return t;
}

void currency_table_free(struct currency_table *t)
{
	free(t);
}

size_t currency_table_size(const struct currency_table *t)
{
	return t ? t->n : 0;
}

/* A base that knows both: entries are grouped by base, so one pass over the bases does. */
static bool find_cross(const struct currency_table *t, uint32_t from, uint32_t to, double *ret_rate)
{
	uint32_t last = 0;

	for (size_t i = 0; i < t->n; i++) {
		uint32_t base = t->entries[i].pair >> 16;
		const struct entry *to_from, *to_to;

		if (base == last)
			continue;
		last = base;
		to_from = entry_find(t, base, from);
		to_to = entry_find(t, base, to);
		if (to_from && to_to) {
			*ret_rate = to_to->rate / to_from->rate;
			return true;
		}
	}
	return false;
}

static bool find_rate(const struct currency_table *t, uint32_t from, uint32_t to, double *ret_rate)
{
	const struct entry *e;

	if (!t)
		return false;
	if ((e = entry_find(t, from, to)) != NULL) {
		*ret_rate = e->rate;
		return true;
	}
	if ((e = entry_find(t, to, from)) != NULL) {
		*ret_rate = 1 / e->rate;
		return true;
	}
	return find_cross(t, from, to, ret_rate);
}

static int check_code(struct str code, struct errtext *why)
{
	if (currency_is_known(code))
		return 0;
	errtext_set(why, pack(code) ? "currency: tag is not a recognized currency"
				    : "currency: tag is not well-formed");
	return ERR_INPUT;
}

static void upper(struct str code, char out[static CODE_LEN + 1])
{
	for (size_t i = 0; i < CODE_LEN; i++)
		out[i] = (char)toupper((unsigned char)code.p[i]);
	out[CODE_LEN] = '\0';
}

int currency_rate(const struct currency_rates *rates, struct str from, struct str to, double *ret_rate,
		  struct errtext *why)
{
	uint32_t f = pack(from), t = pack(to);
	char from_text[CODE_LEN + 1], to_text[CODE_LEN + 1];
	double rate;

	if (check_code(from, why) < 0 || check_code(to, why) < 0)
		return ERR_INPUT;
	if (f == t) {
		*ret_rate = 1;
		return 0;
	}
	if (rates->request_only && !rates->request) {
		errtext_set(why, "rates are nil");
		return ERR_NOTFOUND;
	}
	if (find_rate(rates->request, f, t, &rate) ||
	    (!rates->request_only && find_rate(rates->server, f, t, &rate))) {
		*ret_rate = rate;
		return 0;
	}
	upper(from, from_text);
	upper(to, to_text);
	errtext_set(why, "Currency conversion rate not found: '%s' => '%s'", from_text, to_text);
	return ERR_NOTFOUND;
}

int currency_convert(const void *rates, double amount, struct str from, struct str to, double *ret_amount,
		     struct errtext *why)
{
	double rate;
	int err = currency_rate(rates, from, to, &rate, why);

	if (err == 0)
		*ret_amount = amount * rate;
	return err;
}

static int refuse_code(const char *code, struct errtext *why)
{
	errtext_set(why, "currency code %s is not recognized or malformed", code);
	return ERR_INPUT;
}

int currency_check_codes(const json_t *rates, struct errtext *why)
{
	const char *from, *to;
	json_t *inner, *rate;

	json_object_foreach ((json_t *)(uintptr_t)rates, from, inner) {
		if (!currency_is_known(str_of(from)))
			return refuse_code(from, why);
		json_object_foreach (inner, to, rate)
			if (!currency_is_known(str_of(to)))
				return refuse_code(to, why);
	}
	return 0;
}

static void unpack(uint32_t code, char ret_text[CODE_LEN + 1])
{
	code--;
	for (int i = CODE_LEN; i-- > 0; code /= 26)
		ret_text[i] = (char)('A' + code % 26);
	ret_text[CODE_LEN] = '\0';
}

json_t *currency_table_render_new(const struct currency_table *t)
{
	json_t *all = json_object();

	for (size_t i = 0; t && i < t->n; i++) {
		char from[CODE_LEN + 1], to[CODE_LEN + 1];

		unpack(t->entries[i].pair >> 16, from);
		unpack(t->entries[i].pair & 0xffff, to);
		json_set_real(json_own_object(all, from), to, t->entries[i].rate);
	}
	return all;
}
