/* What one unit of a currency is worth in US dollars, from the configuration. */
#ifndef IDR_INTAKE_RATES_H
#define IDR_INTAKE_RATES_H

#include <jansson.h>

#include "common/errtext.h"
#include "common/str.h"

enum { RATES_MAX = 64 };

struct rates {
	struct {
		char code[4];
		double usd;
	} row[RATES_MAX];
	size_t n;
};

/* {"EUR":1.08,…}; NULL gives the empty table. ERR_INPUT with `why` naming the code. */
int rates_parse(const json_t *j, struct rates *ret_r, struct errtext *why);
/* 1 for USD and for the empty text; 0 when unknown. */
double rates_usd(const struct rates *r, struct str currency);

#endif
