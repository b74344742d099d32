#include "common/decimal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t write_u64(char *out, uint64_t v)
{
	char text[DECIMAL_INT_MAX];
	size_t at = sizeof text;

	do
		text[--at] = (char)('0' + v % 10);
	while (v /= 10);
	memcpy(out, text + at, sizeof text - at);
	return sizeof text - at;
}

size_t decimal_int(char out[static DECIMAL_INT_MAX], int64_t v)
{
	if (v >= 0)
		return write_u64(out, (uint64_t)v);
	out[0] = '-';
	return 1 + write_u64(out + 1, 0 - (uint64_t)v);
}

/* Below 1e12 the product is off by less than a thousandth, so the nearest whole number is the right one unless
 * it is about as near as the next: then, and for what is negative or large, printf knows the exact value. */
size_t decimal_fixed(char out[static DECIMAL_FIXED_MAX], double v, int places)
{
	static const double pow10[DECIMAL_PLACES_MAX + 1] = { 1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
							      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	double scaled = v * pow10[places], whole = rint(scaled);
	uint64_t fraction;
	size_t n;

	if (signbit(v) || !(scaled < 1e12) || fabs(scaled - whole) > 0.49)
		return (size_t)snprintf(out, DECIMAL_FIXED_MAX, "%.*f", places, v);
	n = write_u64(out, (uint64_t)whole / (uint64_t)pow10[places]);
	if (places == 0)
		return n;
	fraction = (uint64_t)whole % (uint64_t)pow10[places];
	out[n] = '.';
	for (int i = places; i > 0; i--, fraction /= 10)
		out[n + (size_t)i] = (char)('0' + fraction % 10);
	return n + 1 + (size_t)places;
}
