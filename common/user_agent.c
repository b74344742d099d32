#include "common/user_agent.h"

#include "common/mem.h"

/* Marks in the order in which they tell most: Edge also says Chrome, Chrome also says Safari, Android also
 * says Linux. */
struct mark {
	const char *text, *name;
};

static const struct mark browsers[] = {
	{ "edg", "edge" },     { "samsungbrowser", "samsung" }, { "opr/", "opera" },
	{ "opera", "opera" },  { "firefox", "firefox" },        { "fxios", "firefox" },
	{ "crios", "chrome" }, { "chrome", "chrome" },          { "safari", "safari" },
};

static const struct mark systems[] = {
	{ "roku", "tv" },         { "tizen", "tv" },        { "web0s", "tv" },       { "webos", "tv" },
	{ "apple tv", "tv" },     { "appletv", "tv" },      { "smart-tv", "tv" },    { "smarttv", "tv" },
	{ "aftt", "tv" },         { "crkey", "tv" },        { "iphone", "ios" },     { "ipad", "ios" },
	{ "android", "android" }, { "windows", "windows" }, { "mac os x", "macos" }, { "macintosh", "macos" },
	{ "cros", "chromeos" },   { "linux", "linux" },
};

static const struct mark devices[] = {
	{ "roku", "ctv" },          { "tizen", "ctv" },     { "web0s", "ctv" },      { "webos", "ctv" },
	{ "apple tv", "ctv" },      { "appletv", "ctv" },   { "smart-tv", "ctv" },   { "smarttv", "ctv" },
	{ "aftt", "ctv" },          { "crkey", "ctv" },     { "ipad", "tablet" },    { "tablet", "tablet" },
	{ "iphone", "mobile" },     { "mobile", "mobile" }, { "android", "tablet" }, { "windows", "desktop" },
	{ "macintosh", "desktop" }, { "cros", "desktop" },  { "linux", "desktop" },
};

static const char *first_mark(struct str ua, const struct mark *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memmem(ua.p, ua.n, marks[i].text, strlen(marks[i].text)))
			return marks[i].name;
	return "";
}

struct user_agent user_agent_read(struct str ua)
{
	char lower[512]; /* what tells stands at the front */
	struct str text = str_lower(lower, (struct str){ ua.p, ua.n < sizeof lower ? ua.n : sizeof lower });

	return (struct user_agent){
		.browser = first_mark(text, browsers, ARRAY_LEN(browsers)),
		.os = first_mark(text, systems, ARRAY_LEN(systems)),
		.device = first_mark(text, devices, ARRAY_LEN(devices)),
	};
}
