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
