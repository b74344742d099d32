#include "common/user_agent.h"

#include <ctype.h>

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

static bool has(struct str ua, const char *mark)
{
	size_t n = strlen(mark);

	for (size_t i = 0; i + n <= ua.n; i++) {
		size_t k = 0;

		while (k < n && tolower((unsigned char)ua.p[i + k]) == mark[k])
			k++;
		if (k == n)
			return true;
	}
	return false;
}

static const char *first_mark(struct str ua, const struct mark *marks, size_t n)
{
	if (ua.n > 1024)
		ua.n = 1024; /* what tells stands at the front; the rest is not worth the time */
	for (size_t i = 0; i < n; i++)
		if (has(ua, marks[i].text))
			return marks[i].name;
	return "";
}

const char *user_agent_browser(struct str ua)
{
	return first_mark(ua, browsers, ARRAY_LEN(browsers));
}

const char *user_agent_os(struct str ua)
{
	return first_mark(ua, systems, ARRAY_LEN(systems));
}

const char *user_agent_device(struct str ua)
{
	return first_mark(ua, devices, ARRAY_LEN(devices));
}
