#include "pbs/openrtb/interstitial.h"

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/report.h"

enum { MAX_FORMATS = 10 };

struct size {
	int16_t w, h;
};

/* Most traded first; the long tail goes by area, since a larger creative uses a full screen better. */
/* clang-format off */
static const struct size sizes[] = {
	{ 300, 250 }, { 728, 90 }, { 160, 600 }, { 320, 50 }, { 300, 600 }, { 970, 250 }, { 320, 480 }, { 480, 320 },
	{ 320, 100 }, { 336, 280 }, { 970, 90 }, { 300, 1050 }, { 300, 50 }, { 468, 60 }, { 250, 250 }, { 768, 1024 },
	{ 1024, 768 }, { 200, 200 }, { 120, 600 }, { 180, 150 }, { 234, 60 }, { 125, 125 }, { 300, 100 }, { 320, 250 },
	{ 300, 400 }, { 300, 480 }, { 320, 320 }, { 320, 240 }, { 360, 640 }, { 640, 360 }, { 375, 667 }, { 667, 375 },
	{ 414, 736 }, { 736, 414 }, { 375, 812 }, { 812, 375 }, { 414, 896 }, { 896, 414 }, { 360, 480 }, { 480, 360 },
	{ 640, 480 }, { 480, 640 }, { 600, 500 }, { 500, 600 }, { 580, 400 }, { 600, 800 }, { 800, 600 }, { 400, 300 },
	{ 240, 400 }, { 400, 240 }, { 300, 300 }, { 250, 300 }, { 300, 200 }, { 300, 31 }, { 320, 400 }, { 970, 66 },
	{ 990, 90 }, { 980, 120 }, { 980, 90 }, { 950, 90 }, { 930, 180 }, { 750, 300 }, { 750, 200 }, { 750, 100 },
	{ 1000, 300 }, { 970, 310 }, { 970, 500 }, { 970, 550 }, { 960, 640 }, { 640, 960 }, { 1280, 720 }, { 720, 1280 },
	{ 1920, 1080 }, { 1080, 1920 }, { 1366, 1024 }, { 1024, 1366 }, { 1280, 1024 }, { 1080, 1080 }, { 1366, 768 }, { 800, 1280 },
	{ 834, 1194 }, { 1280, 768 }, { 800, 1200 }, { 1194, 800 }, { 1112, 800 }, { 1024, 800 }, { 1080, 720 }, { 1024, 720 },
	{ 768, 960 }, { 1200, 600 }, { 1080, 600 }, { 1024, 600 }, { 600, 1024 }, { 1000, 600 }, { 960, 600 }, { 600, 960 },
	{ 720, 720 }, { 540, 960 }, { 640, 800 }, { 768, 600 }, { 900, 500 }, { 600, 720 }, { 640, 640 }, { 428, 926 },
	{ 720, 540 }, { 540, 720 }, { 480, 800 }, { 750, 500 }, { 600, 600 }, { 412, 844 }, { 720, 480 }, { 480, 720 },
	{ 800, 400 }, { 400, 800 }, { 428, 736 }, { 960, 320 }, { 412, 736 }, { 750, 400 }, { 960, 300 }, { 800, 360 },
	{ 600, 480 }, { 480, 600 }, { 360, 800 }, { 900, 300 }, { 450, 600 }, { 414, 640 }, { 412, 640 }, { 540, 480 },
	{ 1024, 250 }, { 800, 320 }, { 400, 640 }, { 1000, 250 }, { 620, 400 }, { 960, 250 }, { 800, 300 }, { 480, 500 },
	{ 400, 600 }, { 480, 480 }, { 900, 250 }, { 375, 600 }, { 720, 300 }, { 600, 360 }, { 300, 720 }, { 820, 250 },
	{ 320, 640 }, { 800, 250 }, { 500, 400 }, { 414, 480 }, { 768, 250 }, { 600, 320 }, { 480, 400 }, { 400, 480 },
	{ 750, 250 }, { 375, 500 }, { 320, 568 }, { 600, 300 }, { 560, 320 }, { 580, 300 }, { 320, 540 }, { 660, 250 },
	{ 540, 300 }, { 640, 250 }, { 500, 320 }, { 400, 400 }, { 640, 240 }, { 600, 250 }, { 300, 500 }, { 250, 600 },
	{ 728, 200 }, { 360, 400 }, { 240, 600 }, { 480, 280 }, { 360, 360 }, { 500, 250 }, { 620, 200 }, { 1024, 120 },
	{ 600, 200 }, { 480, 250 }, { 200, 600 }, { 640, 180 }, { 320, 360 }, { 360, 300 }, { 300, 360 }, { 1024, 100 },
	{ 640, 160 }, { 250, 400 }, { 600, 160 }, { 320, 300 }, { 375, 250 }, { 1024, 90 }, { 960, 90 }, { 360, 240 },
	{ 240, 360 }, { 800, 100 }, { 200, 400 }, { 768, 100 }, { 640, 120 }, { 600, 120 }, { 300, 240 }, { 768, 90 },
	{ 720, 90 }, { 360, 180 }, { 320, 200 }, { 600, 100 }, { 200, 300 }, { 480, 120 }, { 320, 180 }, { 120, 480 },
	{ 300, 180 }, { 180, 300 }, { 768, 66 }, { 640, 75 }, { 320, 150 }, { 300, 160 }, { 450, 100 }, { 300, 150 },
	{ 400, 100 }, { 375, 100 }, { 300, 125 }, { 600, 60 }, { 480, 75 }, { 360, 100 }, { 120, 300 }, { 180, 180 },
	{ 250, 125 }, { 414, 75 }, { 480, 60 }, { 240, 120 }, { 120, 240 }, { 360, 75 }, { 300, 90 }, { 200, 125 },
	{ 480, 50 }, { 320, 75 }, { 300, 75 }, { 360, 60 }, { 400, 50 }, { 200, 100 }, { 375, 50 }, { 360, 50 },
	{ 300, 60 }, { 320, 54 }, { 300, 54 }, { 160, 90 }, { 120, 120 }, { 216, 54 }, { 180, 60 }, { 120, 90 },
	{ 120, 60 }, { 168, 42 },
};
/* clang-format on */

struct cover {
	int64_t width_perc, height_perc;
};

static int read_perc(const json_t *settings, const char *key, struct messages *m, int64_t *ret_perc)
{
	const json_t *v = json_object_get(settings, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 100)
		return refuse_as(
			m, ERROR_BAD_INPUT,
			"request.device.ext.prebid.interstitial.%s must be a number between 0 and 100", key);
	*ret_perc = json_integer_value(v);
	return 0;
}

static json_t *fitting_sizes(int64_t min_w, int64_t min_h, int64_t max_w, int64_t max_h)
{
	json_t *format = json_array();

	for (size_t i = 0; i < ARRAY_LEN(sizes) && json_array_size(format) < MAX_FORMATS; i++) {
		const struct size *s = &sizes[i];
		json_t *one;

		if (s->w < min_w || s->w > max_w || s->h < min_h || s->h > max_h)
			continue;
		one = json_object();
		json_set_int(one, "w", s->w);
		json_set_int(one, "h", s->h);
		json_array_append_new(format, one);
	}
	return format;
}

/* Screen sizes are hostile input: a percentage of them must not overflow. */
static int64_t percent_of(int64_t v, int64_t perc)
{
	return v / 100 * perc + v % 100 * perc / 100;
}

static int fill_imp(json_t *imp, const json_t *device, const struct cover *cover, struct messages *m)
{
	json_t *banner = json_own(imp, "banner"), *format;
	const json_t *first = json_array_get(json_object_get(banner, "format"), 0);
	int64_t w = json_int_at(first, "w", 0), h = json_int_at(first, "h", 0), min_w, min_h;
	struct str id = json_str_at(imp, "id");

	if (!banner)
		return 0;
	if (w < 2 && h < 2) {
		w = json_int_at(device, "w", 0);
		h = json_int_at(device, "h", 0);
	}
	if (w == 0 || h == 0)
		return refuse_as(m, ERROR_BAD_INPUT,
				 "Unable to read max interstitial size for Imp id=" STR_FMT
				 " (No Device and no Format objects)",
				 STR_ARG(id));
	min_w = percent_of(w, cover->width_perc);
	min_h = percent_of(h, cover->height_perc);
	format = fitting_sizes(min_w, min_h, w, h);
	if (json_array_size(format) == 0) {
		json_decref(format);
		return refuse_as(m, ERROR_BAD_INPUT,
				 "Unable to set interstitial size list for Imp id=" STR_FMT
				 " (No valid sizes between %lldx%lld and %lldx%lld)",
				 STR_ARG(id), (long long)min_w, (long long)min_h, (long long)w, (long long)h);
	}
	json_object_set_new_nocheck(banner, "format", format);
	return 0;
}

int interstitial_fill(json_t *req, struct messages *m)
{
	const json_t *settings = json_at(req, "device.ext.prebid.interstitial");
	const json_t *device = json_object_get(req, "device");
	struct cover cover = { -1, -1 }; /* read when the first imp needs it */
	json_t *imps;
	int err;

	if (!settings || json_is_null(settings))
		return 0;
	imps = json_own(req, "imp");
	for (size_t i = 0; i < json_array_size(imps); i++) {
		if (json_int_at(json_array_get(imps, i), "instl", 0) != 1)
			continue;
		if (cover.width_perc < 0) {
			err = read_perc(settings, "minwidthperc", m, &cover.width_perc);
			if (!err)
				err = read_perc(settings, "minheightperc", m, &cover.height_perc);
			if (err)
				return err;
		}
		err = fill_imp(json_own_element(imps, i), device, &cover, m);
		if (err)
			return err;
	}
	return 0;
}
