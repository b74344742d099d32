#include "idr/metrics.h"

#include <stdlib.h>

#include "common/otlp.h"
#include "idr/core/router.h"
#include "idr/routes.h"

const double idr_metric_times[16] = { 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3,
				      2e-3, 5e-3,  10e-3, 20e-3, 50e-3,  100e-3, 500e-3, 2 };

static const struct metric_def defs[] = { IDR_METRICS(METRIC_ROW) };
static const char *const statuses[] = { "2xx", "3xx", "4xx", "5xx", "client_left" };
static const char *const logins[] = { "ok", "wrong", "limited", "busy" };
_Static_assert(ARRAY_LEN(logins) == LOGIN_VALUES, "one name each");
_Static_assert(ARRAY_LEN(statuses) == STATUS_VALUES, "one name per class");

static const char *modes[ROUTE_LEARNING + 1], *reasons[REASONS], *route_names[IDR_ROUTES_MAX];

struct metrics_set *idr_metrics_new(void)
{
	static struct metric_label labels[IDR_LABELS];

	for (int i = 0; i <= ROUTE_LEARNING; i++)
		modes[i] = route_mode_name((enum route_mode)i);
	for (int i = 0; i < REASONS; i++)
		reasons[i] = reason_name((enum reason)i);
	for (size_t i = 0; i < idr_n_routes; i++)
		route_names[i] = idr_routes[i].name;
	labels[LABEL_ROUTE] = (struct metric_label){ "route", route_names, idr_n_routes, true };
	labels[LABEL_STATUS] = (struct metric_label){ "status", statuses, ARRAY_LEN(statuses), true };
	labels[LABEL_MODE] = (struct metric_label){ "mode", modes, ARRAY_LEN(modes), false };
	labels[LABEL_FATE] = (struct metric_label){ "fate", otlp_fate_names, OTLP_FATES, false };
	labels[LABEL_REASON] = (struct metric_label){ "reason", reasons, ARRAY_LEN(reasons), true };
	labels[LABEL_LOGIN] = (struct metric_label){ "outcome", logins, ARRAY_LEN(logins), false };
	return metrics_set_new("nexus_idr", defs, IDR_METRIC_COUNT, labels, IDR_LABELS);
}

void idr_metrics_free(struct metrics_set *set)
{
	metrics_set_free(set);
}
