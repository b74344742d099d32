#include "pbs/privacy/usp.h"

#include "common/err.h"
#include "common/mem.h"

static bool is_answer(char c)
{
	return c == 'Y' || c == 'N' || c == '-';
}

int usp_parse(struct str text, struct errtext *why, struct usp *ret_usp)
{
	static const char *const parts[] = { "explicit notice", "opt-out sale",
					     "limited service provider agreement" };

	if (text.n != 4) {
		errtext_set(why, "must contain 4 characters");
		return ERR_INPUT;
	}
	if (text.p[0] != '1') {
		errtext_set(why, "must specify version 1");
		return ERR_INPUT;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!is_answer(text.p[i + 1])) {
			errtext_set(why, "must specify 'N', 'Y', or '-' for the %s", parts[i]);
			return ERR_INPUT;
		}
	*ret_usp = (struct usp){ text.p[1], text.p[2], text.p[3] };
	return 0;
}
