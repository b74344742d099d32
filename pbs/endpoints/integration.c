#include "pbs/endpoints/integration.h"

#include "common/err.h"

enum { NAME_MAX_CHARS = 64 };

int integration_check(struct str name, struct errtext *why)
{
	if (name.n > NAME_MAX_CHARS) {
		errtext_set(why, "integration type length is too long");
		return ERR_INPUT;
	}
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_';

		if (fine)
			continue;
		errtext_set(
			why,
			"integration type can only contain numbers, letters and these characters '-', '_'");
		return ERR_INPUT;
	}
	return 0;
}
