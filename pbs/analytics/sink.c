#include "pbs/analytics/sink.h"

#include "common/json.h"
#include "common/str.h"
#include "pbs/exchange/auction.h"
#include "pbs/exchange/privacy_stage.h"

void analytics_tell_auction(const struct analytics_sinks *s, const struct auction *a)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct analytics_sink_class *cls = s->list[i]->cls;

		if (privacy_stage_allows_sink(a, ACTIVITY_REPORT_ANALYTICS, str_of(cls->name)))
			cls->auction(s->list[i], a);
	}
}

json_t *analytics_note_new(const char *type, int status, const char *error)
{
	json_t *j = json_object(), *errors = json_array();

	if (error)
		json_array_append_new(errors, json_new_str(str_of(error)));
	json_set_str(j, "type", str_of(type));
	json_set_int(j, "Status", status);
	json_object_set_new_nocheck(j, "Errors", errors);
	return j;
}

bool analytics_wants_notes(const struct analytics_sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i]->cls->note)
			return true;
	return false;
}

void analytics_tell(const struct analytics_sinks *s, const struct activities *activities, json_t *note)
{
	static const struct activity_scope anywhere;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i]->cls->note &&
		    activity_allowed(activities, ACTIVITY_REPORT_ANALYTICS, COMPONENT_ANALYTICS,
				     str_of(s->list[i]->cls->name), &anywhere))
			s->list[i]->cls->note(s->list[i], note);
	json_decref(note);
}

void analytics_flush_all(const struct analytics_sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->list[i]->cls->flush(s->list[i]);
}

bool analytics_are_idle(const struct analytics_sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->list[i]->cls->is_idle(s->list[i]))
			return false;
	return true;
}

void analytics_free_all(struct analytics_sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->list[i]->cls->free(s->list[i]);
	s->n = 0;
}
