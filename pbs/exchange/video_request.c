#include "pbs/exchange/video_request.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/json.h"
#include "common/mem.h"
#include "pbs/openrtb/report.h"

enum { DEFAULT_TMAX_MS = 5000 };

/* --- checks --- */

static const json_t *durations_of(const json_t *request)
{
	return json_at(request, "podconfig.durationrangesec");
}

static int check_durations(const json_t *request, struct messages *m)
{
	const json_t *durations = durations_of(request), *one;
	size_t i;

	if (json_array_size(durations) == 0)
		return refuse(m, "request missing required field: PodConfig.DurationRangeSec");
	json_array_foreach (durations, i, one)
		if (json_integer_value(one) <= 0 || json_integer_value(one) > INT32_MAX)
			return refuse(m, "duration array cannot contain negative or zero values");
	return 0;
}

static int check_place(const json_t *request, struct messages *m)
{
	const json_t *site = json_object_get(request, "site"), *app = json_object_get(request, "app");

	if (!site && !app)
		return refuse(m, "request missing required field: site or app");
	if (site && app)
		return refuse(m, "request.site or request.app must be defined, but not both");
	if (site && json_str_at(site, "id").n == 0 && json_str_at(site, "page").n == 0)
		return refuse(m, "request.site missing required field: id or page");
	if (app && json_str_at(app, "id").n == 0 && json_str_at(app, "bundle").n == 0)
		return refuse(m, "request.app missing required field: id or bundle");
	return 0;
}

static int check_video(const json_t *request, struct messages *m)
{
	const json_t *video = json_object_get(request, "video"), *mimes = json_object_get(video, "mimes"),
		     *one;
	bool any = false;
	size_t i;

	if (!json_is_object(video))
		return refuse(m, "request missing required field: Video");
	if (json_array_size(mimes) == 0)
		return refuse(m, "request missing required field: Video.Mimes");
	json_array_foreach (mimes, i, one)
		any |= json_string_length(one) > 0;
	if (!any)
		return refuse(
			m, "request missing required field: Video.Mimes, mime types contains empty strings "
			   "only");
	if (json_array_size(json_object_get(video, "protocols")) == 0)
		return refuse(m, "request missing required field: Video.Protocols");
	return 0;
}

__attribute__((format(printf, 3, 4))) static void add_pod_error(struct video_pod *pod, struct arena *a,
								const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!pod->errors)
		pod->errors = arena_own_json(a, json_array());
	json_array_append_new(pod->errors, json_new_str(str_of(text)));
}

static bool is_repeated(const struct video_pods *pods, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pods->list[k].id == pods->list[i].id)
			return true;
	return false;
}

/* All that is wrong with pod `i`. */
static void check_pod(struct video_pods *pods, size_t i, struct arena *a)
{
	struct video_pod *pod = &pods->list[i];

	if (is_repeated(pods, i))
		add_pod_error(pod, a, "request duplicated required field: PodConfig.Pods.PodId, Pod id: %lld",
			      (long long)pod->id);
	if (pod->id <= 0)
		add_pod_error(pod, a, "request missing required field: PodConfig.Pods.PodId, Pod index: %zu",
			      i);
	if (pod->duration_s == 0)
		add_pod_error(pod, a,
			      "request missing or incorrect required field: PodConfig.Pods.AdPodDurationSec, "
			      "Pod index: %zu",
			      i);
	if (pod->duration_s < 0)
		add_pod_error(
			pod, a,
			"request incorrect required field: PodConfig.Pods.AdPodDurationSec is negative, "
			"Pod index: %zu",
			i);
	if (pod->config_id.n == 0)
		add_pod_error(pod, a,
			      "request missing or incorrect required field: PodConfig.Pods.ConfigId, Pod "
			      "index: %zu",
			      i);
}

static bool all_bad(const struct video_pods *pods)
{
	for (size_t i = 0; i < pods->n; i++)
		if (!pods->list[i].errors)
			return false;
	return true;
}

/* "of the first, too; of the second" */
static int refuse_pods(const struct video_pods *pods, struct messages *m)
{
	const json_t *one;
	struct buf b;
	size_t k;

	buf_init(&b, 4096);
	for (size_t i = 0; i < pods->n && !b.overflow; i++)
		json_array_foreach (pods->list[i].errors, k, one) {
			buf_add_z(&b, k ? ", " : i ? "; " : "");
			buf_add_str(&b, json_str(one));
		}
	(void)refuse(m, "all pods are incorrect: " STR_FMT, STR_ARG(buf_str(&b)));
	buf_deinit(&b);
	return ERR_INPUT;
}

static int read_pods(const json_t *request, struct arena *a, struct messages *m, struct video_pods *pods)
{
	const json_t *list = json_at(request, "podconfig.pods"), *pod;
	size_t i;

	if (json_array_size(list) == 0)
		return refuse(m, "request missing required field: PodConfig.Pods");
	if (json_array_size(list) > VIDEO_MAX_PODS)
		return refuse(m, "request.podconfig.pods has more than %d elements", VIDEO_MAX_PODS);
	*pods = (struct video_pods){ ARENA_ARRAY(a, struct video_pod, json_array_size(list)),
				     json_array_size(list) };
	json_array_foreach (list, i, pod) {
		pods->list[i] = (struct video_pod){
			.id = json_int_at(pod, "podid", 0),
			.duration_s = json_int_at(pod, "adpoddurationsec", 0),
			.config_id = json_str_at(pod, "configid"),
		};
		check_pod(pods, i, a);
	}
	return 0;
}

int video_check(const json_t *request, struct arena *a, struct messages *m, struct video_pods *ret_pods)
{
	int err = check_durations(request, m);

	err = read_pods(request, a, m, ret_pods) < 0 ? ERR_INPUT : err;
	err = check_place(request, m) < 0 ? ERR_INPUT : err;
	err = check_video(request, m) < 0 ? ERR_INPUT : err;
	return !err && all_bad(ret_pods) ? refuse_pods(ret_pods, m) : err;
}

/* --- the request --- */

static void duration_bounds(const json_t *durations, int64_t *ret_min, int64_t *ret_max)
{
	const json_t *one;
	size_t i;

	*ret_min = INT64_MAX;
	*ret_max = 0;
	json_array_foreach (durations, i, one) {
		int64_t v = json_integer_value(one);

		*ret_min = v < *ret_min ? v : *ret_min;
		*ret_max = v > *ret_max ? v : *ret_max;
	}
}

static json_t *make_imp(const json_t *request, const struct video_pod *pod, size_t n, int64_t min_s,
			int64_t max_s, struct arena *a)
{
	json_t *imp = json_copy((json_t *)(uintptr_t)pod->imp);
	json_t *video = json_copy(json_object_get(request, "video"));

	if (min_s)
		json_set_int(video, "minduration", min_s);
	json_set_int(video, "maxduration", max_s);
	json_set_str(imp, "id", str_of(arena_printf(a, "%lld_%zu", (long long)pod->id, n)));
	json_object_set_new_nocheck(imp, "video", video);
	return imp;
}

/* One imp per slot of the shortest duration. With exact durations they are dealt out in groups of equal size. */
static void add_imps(const json_t *request, const struct video_pod *pod, size_t max_imps, json_t *imps,
		     struct arena *a)
{
	const json_t *durations = durations_of(request);
	bool exact = json_bool_at(request, "podconfig.requireexactduration", false);
	size_t groups = json_array_size(durations), n, per_group;
	int64_t min_s, max_s;

	duration_bounds(durations, &min_s, &max_s);
	n = (size_t)(pod->duration_s / min_s);
	if (exact && n < groups)
		n = groups;
	per_group = n / groups ? n / groups : 1;
	for (size_t i = 0; i < n && json_array_size(imps) <= max_imps; i++) {
		size_t group = i / per_group < groups ? i / per_group : groups - 1;
		int64_t s = json_integer_value(json_array_get(durations, group));

		json_array_append_new(imps, make_imp(request, pod, i, exact ? s : 0, exact ? s : max_s, a));
	}
}

static json_t *targeting_new(const json_t *request)
{
	const json_t *category = json_object_get(request, "includebrandcategory");
	json_t *granularity = json_object_get(request, "pricegranularity");
	json_t *targeting = json_object(),
	       *brand = json_is_object(category) ? json_copy((json_t *)(uintptr_t)category) : json_object();

	json_set_bool(brand, "withcategory", json_is_object(category));
	json_object_set_new_nocheck(targeting, "includebrandcategory", brand);
	if (json_is_object(granularity))
		json_object_set_nocheck(targeting, "pricegranularity", granularity);
	if (!json_bool_at(request, "podconfig.requireexactduration", false))
		json_object_set_nocheck(targeting, "durationrangesec",
					json_at(request, "podconfig.durationrangesec"));
	json_set_bool(targeting, "includebidderkeys", true);
	json_set_bool(targeting, "includewinners", true);
	if (json_bool_at(request, "appendbiddernames", false))
		json_set_bool(targeting, "appendbiddernames", true);
	return targeting;
}

static void copy_members(const json_t *request, json_t *out)
{
	static const char *const members[] = {
		"site", "app", "user", "device", "bcat", "badv", "regs", "test"
	};
	json_t *content = json_object_get(request, "content");

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *v = json_object_get(request, members[i]);

		if (v && !json_is_null(v))
			json_object_set_nocheck(out, members[i], v);
	}
	if (content && !json_is_null(content))
		json_object_set_nocheck(json_own_object(out, json_object_get(out, "app") ? "app" : "site"),
					"content", content);
}

int video_build(const json_t *request, struct video_pods *pods, size_t max_imps, struct arena *a,
		struct messages *m, json_t **ret_request)
{
	json_t *out, *prebid, *imps;

	for (size_t i = 0; i < pods->n; i++) {
		struct video_pod *pod = &pods->list[i];

		if (!pod->errors && !json_is_object(pod->imp))
			add_pod_error(pod, a, "unable to load configid " STR_FMT ", Pod id: %lld",
				      STR_ARG(pod->config_id), (long long)pod->id);
	}
	if (all_bad(pods))
		return refuse_pods(pods, m);
	out = json_object();
	imps = json_array();
	for (size_t i = 0; i < pods->n; i++)
		if (!pods->list[i].errors)
			add_imps(request, &pods->list[i], max_imps, imps, a);
	json_set_str(out, "id", STR("bid_id"));
	json_object_set_new_nocheck(out, "imp", imps);
	copy_members(request, out);
	json_set_int(out, "tmax",
		     json_int_at(request, "tmax", 0) ? json_int_at(request, "tmax", 0) : DEFAULT_TMAX_MS);
	prebid = json_own_object(json_own_object(out, "ext"), "prebid");
	json_object_set_new_nocheck(prebid, "targeting", targeting_new(request));
	(void)json_own_object(json_own_object(prebid, "cache"), "vastxml");
	if (json_bool_at(request, "supportdeals", false))
		json_set_bool(prebid, "supportdeals", true);
	*ret_request = out;
	return 0;
}
