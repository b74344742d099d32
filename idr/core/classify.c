#include "idr/core/context.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "idr/core/mathx.h"

/* One table per vocabulary. A name may stand for a value more than once: the first is how it is written. */
struct word {
	const char *name;
	unsigned value;
};

static const struct word devices[] = {
	{ "desktop", DEVICE_DESKTOP }, { "mobile", DEVICE_MOBILE }, { "tablet", DEVICE_TABLET },
	{ "ctv", DEVICE_CTV },         { "phone", DEVICE_MOBILE },  { "pc", DEVICE_DESKTOP },
	{ "tv", DEVICE_CTV },          { "stb", DEVICE_CTV },
};

/* Source: OpenRTB 2.6 section 3.2.18 and AdCOM list "Device Types" */
static const uint8_t device_types[] = { DEVICE_UNKNOWN, DEVICE_MOBILE, DEVICE_DESKTOP, DEVICE_CTV,
					DEVICE_MOBILE,  DEVICE_TABLET, DEVICE_CTV,     DEVICE_CTV };

static const struct word formats[] = {
	{ "banner", FORMAT_BANNER },  { "video", FORMAT_VIDEO },     { "native", FORMAT_NATIVE },
	{ "audio", FORMAT_AUDIO },    { "multi", FORMAT_MULTI },     { "display", FORMAT_BANNER },
	{ "instream", FORMAT_VIDEO }, { "outstream", FORMAT_VIDEO },
};

static const struct word positions[] = {
	{ "atf", POSITION_ABOVE },     { "above", POSITION_ABOVE },      { "btf", POSITION_BELOW },
	{ "below", POSITION_BELOW },   { "header", POSITION_OTHER },     { "footer", POSITION_OTHER },
	{ "sidebar", POSITION_OTHER }, { "fullscreen", POSITION_OTHER },
};

static const struct word systems[] = {
	{ "ios", OS_IOS },       { "android", OS_ANDROID }, { "windows", OS_WINDOWS },
	{ "macos", OS_MACOS },   { "linux", OS_LINUX },     { "chromeos", OS_CHROMEOS },
	{ "tv", OS_TV },         { "other", OS_OTHER },     { "ipados", OS_IOS },
	{ "iphone os", OS_IOS }, { "mac os", OS_MACOS },    { "mac os x", OS_MACOS },
	{ "os x", OS_MACOS },    { "osx", OS_MACOS },       { "chrome os", OS_CHROMEOS },
	{ "cros", OS_CHROMEOS }, { "tvos", OS_TV },         { "tizen", OS_TV },
	{ "webos", OS_TV },      { "roku", OS_TV },         { "fire os", OS_TV },
	{ "android tv", OS_TV },
};

static const struct word browsers[] = {
	{ "chrome", BROWSER_CHROME }, { "safari", BROWSER_SAFARI },   { "firefox", BROWSER_FIREFOX },
	{ "edge", BROWSER_EDGE },     { "samsung", BROWSER_SAMSUNG }, { "opera", BROWSER_OPERA },
	{ "app", BROWSER_APP },       { "other", BROWSER_OTHER },
};

/* Marks in a user agent, most telling first: Edge also says Chrome, Chrome also says Safari. */
static const struct word agent_browsers[] = {
	{ "edg", BROWSER_EDGE },     { "samsungbrowser", BROWSER_SAMSUNG }, { "opr/", BROWSER_OPERA },
	{ "opera", BROWSER_OPERA },  { "firefox", BROWSER_FIREFOX },        { "fxios", BROWSER_FIREFOX },
	{ "crios", BROWSER_CHROME }, { "chrome", BROWSER_CHROME },          { "safari", BROWSER_SAFARI },
};
static const struct word agent_systems[] = {
	{ "roku", OS_TV },         { "tizen", OS_TV },        { "web0s", OS_TV },
	{ "webos", OS_TV },        { "apple tv", OS_TV },     { "appletv", OS_TV },
	{ "smart-tv", OS_TV },     { "smarttv", OS_TV },      { "aftt", OS_TV },
	{ "crkey", OS_TV },        { "iphone", OS_IOS },      { "ipad", OS_IOS },
	{ "android", OS_ANDROID }, { "windows", OS_WINDOWS }, { "mac os x", OS_MACOS },
	{ "macintosh", OS_MACOS }, { "cros", OS_CHROMEOS },   { "linux", OS_LINUX },
};

/* Source: the source domains and short names of Prebid's user id modules. One bit each, in this order; a
 * second name for the same bit repeats its number. */
static const struct word id_sources[] = {
	{ "uidapi.com", 0 },
	{ "uid2", 0 },
	{ "id5-sync.com", 1 },
	{ "id5", 1 },
	{ "id5id", 1 },
	{ "liveramp.com", 2 },
	{ "liveramp", 2 },
	{ "identitylink", 2 },
	{ "idl_env", 2 },
	{ "pubcid.org", 3 },
	{ "pubcid", 3 },
	{ "sharedid.org", 3 },
	{ "sharedid", 3 },
	{ "criteo.com", 4 },
	{ "criteo", 4 },
	{ "adserver.org", 5 },
	{ "unifiedid", 5 },
	{ "tdid", 5 },
	{ "crwdcntrl.net", 6 },
	{ "lotame", 6 },
	{ "lotamepanoramaid", 6 },
	{ "intentiq.com", 7 },
	{ "intentiq", 7 },
	{ "euid.eu", 8 },
	{ "euid", 8 },
	{ "google.com", 9 },
	{ "pairid", 9 },
	{ "esp.criteo.com", 4 },
	{ "yahoo.com", 10 },
	{ "connectid", 10 },
	{ "quantcast.com", 11 },
	{ "quantcast", 11 },
	{ "33across.com", 12 },
	{ "33across", 12 },
	{ "adnxs.com", 13 },
	{ "hadron", 14 },
	{ "audigent.com", 14 },
	{ "merkle", 15 },
	{ "merkleinc.com", 15 },
	{ "netid.de", 16 },
	{ "netid", 16 },
	{ "zeotap.com", 17 },
	{ "zeotap", 17 },
	{ "liveintent.com", 18 },
	{ "liveintent", 18 },
	{ "audience-id", 19 },
	{ "dmd", 19 },
	{ "utiq.com", 20 },
	{ "utiq", 20 },
	{ "pubmatic.com", 21 },
	{ "rubiconproject.com", 22 },
	{ "openx.com", 23 },
};

static int find_word(const struct word *w, size_t n, struct str name, unsigned *ret_value)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(str_of(w[i].name), name)) {
			*ret_value = w[i].value;
			return 0;
		}
	return -1;
}

static unsigned word_value(const struct word *w, size_t n, struct str name, unsigned fallback)
{
	unsigned v = fallback;

	(void)find_word(w, n, name, &v);
	return v;
}
#define WORD(table, name, fallback) word_value(table, ARRAY_LEN(table), name, fallback)

static bool contains_nocase(struct str s, struct str mark)
{
	for (size_t i = 0; i + mark.n <= s.n; i++)
		if (str_eq_nocase((struct str){ s.p + i, mark.n }, mark))
			return true;
	return false;
}

static unsigned agent_value(const struct word *w, size_t n, struct str agent, unsigned fallback)
{
	for (size_t i = 0; i < n; i++)
		if (contains_nocase(agent, str_of(w[i].name)))
			return w[i].value;
	return fallback;
}

static struct str text(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_string(v) ? (struct str){ json_string_value(v), json_string_length(v) } : STR("");
}

static double number(const json_t *obj, const char *key, double fallback)
{
	const json_t *v = json_object_get(obj, key);

	return json_is_number(v) ? json_number_value(v) : fallback;
}

static const json_t *first(const json_t *obj, const char *key)
{
	return json_array_get(json_object_get(obj, key), 0);
}

uint64_t classify_name(struct str name)
{
	return name.n ? mix64(str_hash(name)) | 1 : 0;
}

/* ISO 3166-1: alpha-3 and alpha-2, sorted by alpha-3. */
static const char countries[] = "ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ "
				"ATFTF ATGAG AUSAU AUTAT AZEAZ "
				"BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY "
				"BLZBZ BMUBM BOLBO BRABR BRBBB "
				"BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM "
				"CODCD COGCG COKCK COLCO COMKM "
				"CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK "
				"DOMDO DZADZ ECUEC EGYEG ERIER "
				"ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB "
				"GEOGE GGYGG GHAGH GIBGI GINGN "
				"GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK "
				"HMDHM HNDHN HRVHR HTIHT HUNHU "
				"IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE "
				"JORJO JPNJP KAZKZ KENKE KGZKG "
				"KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI LKALK "
				"LSOLS LTULT LUXLU LVALV MACMO "
				"MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM "
				"MNEME MNGMN MNPMP MOZMZ MRTMR "
				"MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI "
				"NIUNU NLDNL NORNO NPLNP NRUNR "
				"NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL PRIPR PRKKP "
				"PRTPT PRYPY PSEPS PYFPF QATQA "
				"REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB "
				"SLESL SLVSV SMRSM SOMSO SPMPM "
				"SRBRS SSDSS STPST SURSR SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC "
				"TCDTD TGOTG THATH TJKTJ TKLTK "
				"TKMTM TLSTL TONTO TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM "
				"URYUY USAUS UZBUZ VATVA VCTVC "
				"VENVE VGBVG VIRVI VNMVN VUTVU WLFWF WSMWS XKXXK YEMYE ZAFZA ZMBZM ZWEZW ";

static uint16_t pack2(const char *p)
{
	return (uint16_t)(toupper((unsigned char)p[0]) << 8 | toupper((unsigned char)p[1]));
}

uint16_t classify_country(struct str code)
{
	size_t lo = 0, hi = (sizeof countries - 1) / 6;
	char up[3];

	for (size_t i = 0; i < code.n && i < 3; i++) {
		if (!isalpha((unsigned char)code.p[i]))
			return 0;
		up[i] = (char)toupper((unsigned char)code.p[i]);
	}
	if (code.n == 2)
		return pack2(code.p);
	if (code.n != 3)
		return 0;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = memcmp(up, countries + mid * 6, 3);

		if (c == 0)
			return pack2(countries + mid * 6 + 3);
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return 0;
}

uint32_t classify_id(struct str source)
{
	unsigned bit;

	return find_word(id_sources, ARRAY_LEN(id_sources), source, &bit) ? 0 : 1u << bit;
}

uint8_t classify_device(struct str name)
{
	return (uint8_t)WORD(devices, name, DEVICE_UNKNOWN);
}

uint8_t classify_format(struct str name)
{
	return (uint8_t)WORD(formats, name, memchr(name.p, ',', name.n) ? FORMAT_MULTI : FORMAT_BANNER);
}

const char *classify_format_name(uint8_t format)
{
	return format < FORMATS ? formats[format].name : "unknown";
}

const char *classify_device_name(uint8_t device)
{
	return device && device < DEVICE_KINDS ? devices[device - 1].name : "unknown";
}

static void add_id(struct context *c, struct str source)
{
	uint32_t bit = classify_id(source);

	c->ids |= bit;
	if (!bit && source.n && c->ids_unknown < 15)
		c->ids_unknown++;
}

static void set_hour(struct context *c, const json_t *j, int64_t now_ms)
{
	double ts = number(j, "ts", (double)now_ms / 1000);

	if (ts > 1e11) /* milliseconds */
		ts /= 1000;
	if (!(ts > 0 && ts < 1e11))
		ts = (double)now_ms / 1000;
	c->hour = (uint8_t)((int64_t)(ts / 3600) % 24);
}

static void set_floor(struct context *c, double floor, struct str cur)
{
	c->floor_usd = floor > 0 && floor < 1e5 ? (float)floor : 0;
	memcpy(c->floor_cur, "USD", 4);
	if (cur.n == 3)
		for (int i = 0; i < 3; i++)
			c->floor_cur[i] = (char)toupper((unsigned char)cur.p[i]);
}

static void set_size(struct context *c, double w, double h)
{
	if (c->format == FORMAT_NATIVE || c->format == FORMAT_AUDIO ||
	    !(w > 0 && w < 65536 && h > 0 && h < 65536))
		return;
	c->width = (uint16_t)w;
	c->height = (uint16_t)h;
}

/* ---- from a request ---- */

static void read_imp(struct context *c, const json_t *imp)
{
	static const char *const kinds[] = { "banner", "video", "native", "audio" };
	const json_t *body = NULL;
	int found = 0;

	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		const json_t *j = json_object_get(imp, kinds[i]);

		if (!json_is_object(j))
			continue;
		if (!found++) {
			c->format = (uint8_t)i;
			body = j;
		}
	}
	if (found > 1)
		c->format = FORMAT_MULTI;
	set_floor(c, number(imp, "bidfloor", 0), text(imp, "bidfloorcur"));
	if (body) {
		const json_t *size = first(body, "format");
		double pos = number(body, "pos", 0);

		if (number(size, "w", 0) > 0)
			set_size(c, number(size, "w", 0), number(size, "h", 0));
		else
			set_size(c, number(body, "w", 0), number(body, "h", 0));
		c->position = pos == 1               ? POSITION_ABOVE
			      : pos == 3             ? POSITION_BELOW
			      : pos >= 4 && pos <= 7 ? POSITION_OTHER
						     : POSITION_UNKNOWN;
	}
	const json_t *ext = json_object_get(imp, "ext");
	struct str unit = text(ext, "gpid");

	if (!unit.n)
		unit = text(json_object_get(ext, "data"), "pbadslot");
	if (!unit.n)
		unit = text(imp, "tagid");
	c->unit = classify_name(unit);
}

static uint8_t agent_device(struct str agent, uint8_t system)
{
	if (system == OS_TV)
		return DEVICE_CTV;
	if (contains_nocase(agent, STR("ipad")) || contains_nocase(agent, STR("tablet")))
		return DEVICE_TABLET;
	if (system == OS_ANDROID)
		return contains_nocase(agent, STR("mobile")) ? DEVICE_MOBILE : DEVICE_TABLET;
	if (system == OS_IOS)
		return DEVICE_MOBILE;
	return system == OS_UNKNOWN ? DEVICE_UNKNOWN : DEVICE_DESKTOP;
}

static void read_device(struct context *c, const json_t *device, bool app)
{
	struct str agent = text(device, "ua"), os = text(device, "os");
	double type = number(device, "devicetype", 0);

	if (agent.n > 512)
		agent.n = 512;
	c->os = (uint8_t)WORD(systems, os, OS_UNKNOWN);
	if (c->os == OS_UNKNOWN && agent.n)
		c->os = (uint8_t)agent_value(agent_systems, ARRAY_LEN(agent_systems), agent, OS_OTHER);
	if (app)
		c->browser = BROWSER_APP;
	else if (agent.n)
		c->browser =
			(uint8_t)agent_value(agent_browsers, ARRAY_LEN(agent_browsers), agent, BROWSER_OTHER);
	else
		c->browser = (uint8_t)WORD(browsers, text(device, "browser"), BROWSER_UNKNOWN);
	if (type >= 1 && type < (double)ARRAY_LEN(device_types))
		c->device = device_types[(size_t)type];
	else
		c->device = classify_device(text(device, "devicetype"));
	/* type 1 is "mobile or tablet": the agent knows better */
	if (agent.n && (c->device == DEVICE_UNKNOWN || type == 1)) {
		uint8_t seen = agent_device(agent, c->os);

		c->device = seen != DEVICE_UNKNOWN ? seen : c->device;
	}
	const json_t *geo = json_object_get(device, "geo");

	c->country = classify_country(text(geo, "country"));
	c->region = classify_name(text(geo, "region"));
}

static void read_ids(struct context *c, const json_t *eids)
{
	for (size_t i = 0; i < json_array_size(eids) && i < 64; i++)
		add_id(c, text(json_array_get(eids, i), "source"));
}

void classify_request(const json_t *route, int64_t now_ms, struct context *ret_ctx)
{
	struct context c = { 0 };
	const json_t *req = json_object_get(route, "bid_request");
	const json_t *site = json_object_get(req, "site"), *app = json_object_get(req, "app");
	const json_t *place = json_is_object(site)  ? site
			      : json_is_object(app) ? app
						    : json_object_get(req, "dooh");
	const json_t *user = json_object_get(req, "user");
	struct str publisher = text(route, "publisher_id"), name = text(place, "domain");
	double tmax = number(req, "tmax", 0);

	if (!publisher.n)
		publisher = text(json_object_get(place, "publisher"), "id");
	if (!name.n)
		name = text(place, "bundle");
	c.publisher = classify_name(publisher);
	c.site = classify_name(name);
	c.timeout_ms = tmax > 0 && tmax < 60000 ? (uint16_t)tmax : 0;
	set_hour(&c, route, now_ms);
	read_imp(&c, first(req, "imp"));
	read_device(&c, json_object_get(req, "device"), json_is_object(app));
	read_ids(&c, json_object_get(user, "eids"));
	if (!c.ids && !c.ids_unknown)
		read_ids(&c, json_object_get(json_object_get(user, "ext"), "eids"));
	*ret_ctx = c;
}

/* ---- from an event ---- */

static void read_event_size(struct context *c, struct str size)
{
	struct str w = str_cut(&size, 'x');
	uint32_t width, height;

	if (size.p && str_parse_u32(w, 1, 65535, &width) && str_parse_u32(size, 1, 65535, &height))
		set_size(c, width, height);
}

void classify_event(const json_t *event, int64_t now_ms, struct context *ret_ctx)
{
	struct context c = { 0 };
	const json_t *imp = first(event, "imps"), *ids = json_object_get(event, "ids");
	struct str unit = text(imp, "ad_unit"), site = text(event, "site");

	c.publisher = classify_name(text(event, "publisher_id"));
	c.site = classify_name(site.n ? site : text(event, "domain"));
	c.unit = classify_name(unit.n ? unit : text(imp, "gpid"));
	c.country = classify_country(text(event, "country"));
	c.region = classify_name(text(event, "region"));
	c.device = classify_device(text(event, "device_type"));
	c.os = (uint8_t)WORD(systems, text(event, "os"), OS_UNKNOWN);
	c.browser = (uint8_t)WORD(browsers, text(event, "browser"), BROWSER_UNKNOWN);
	c.format = classify_format(text(imp, "ad_format"));
	c.position = (uint8_t)WORD(positions, text(imp, "position"), POSITION_UNKNOWN);
	read_event_size(&c, text(imp, "ad_size"));
	set_floor(&c, number(imp, "floor", 0), text(imp, "floor_cur"));
	set_hour(&c, event, now_ms);
	for (size_t i = 0; i < json_array_size(ids) && i < 64; i++) {
		const json_t *id = json_array_get(ids, i);

		if (json_is_string(id))
			add_id(&c, (struct str){ json_string_value(id), json_string_length(id) });
	}
	*ret_ctx = c;
}
