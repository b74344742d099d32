#include "idr/store/event.h"

const char *event_group_name(enum event_group g)
{
	static const char *const names[] = {
		[GROUP_ROUTED] = "routed",
		[GROUP_CONTROL] = "control",
		[GROUP_AUDIT] = "audit",
		[GROUP_UNROUTED] = "unrouted",
	};
	_Static_assert(sizeof names / sizeof *names == EVENT_GROUPS, "one name per group");

	return names[g];
}

static const char *const floors_names[] = {
	[FLOORS_NO_LOT] = "",
	[FLOORS_APPLIED] = "applied",
	[FLOORS_SKIPPED] = "skipped",
};
_Static_assert(sizeof floors_names / sizeof *floors_names == EVENT_FLOORS, "one name per side");

const char *event_floors_name(enum event_floors f)
{
	return floors_names[f];
}

enum event_floors event_floors_find(struct str name)
{
	for (int f = FLOORS_NO_LOT + 1; f < EVENT_FLOORS; f++)
		if (str_eq(name, str_of(floors_names[f])))
			return (enum event_floors)f;
	return FLOORS_NO_LOT;
}
