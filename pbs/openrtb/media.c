#include "pbs/openrtb/media.h"

static const struct {
	const char *name;
	enum media media;
	int mtype;
} kinds[MEDIA_KINDS] = {
	{ "banner", MEDIA_BANNER, 1 },
	{ "video", MEDIA_VIDEO, 2 },
	{ "audio", MEDIA_AUDIO, 3 },
	{ "native", MEDIA_NATIVE, 4 },
};

const enum media media_order[MEDIA_KINDS] = { MEDIA_BANNER, MEDIA_VIDEO, MEDIA_AUDIO, MEDIA_NATIVE };

const char *media_name(enum media m)
{
	for (int i = 0; i < MEDIA_KINDS; i++)
		if (kinds[i].media == m)
			return kinds[i].name;
	return "";
}

enum media media_parse(struct str name)
{
	for (int i = 0; i < MEDIA_KINDS; i++)
		if (str_eq(name, str_of(kinds[i].name)))
			return kinds[i].media;
	return MEDIA_NONE;
}

enum media media_of_mtype(int64_t mtype)
{
	for (int i = 0; i < MEDIA_KINDS; i++)
		if (kinds[i].mtype == mtype)
			return kinds[i].media;
	return MEDIA_NONE;
}

unsigned media_of_imp(const json_t *imp)
{
	unsigned set = 0;

	for (int i = 0; i < MEDIA_KINDS; i++)
		if (json_is_object(json_object_get(imp, kinds[i].name)))
			set |= kinds[i].media;
	return set;
}
