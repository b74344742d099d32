#include "idr/store/context_bytes.h"

#include <assert.h>
#include <string.h>

/* Width in bytes of each field, in the order they are kept. */
#define CONTEXT_FIELDS(X)                                                                                    \
	/* 1 */ X(publisher)                                                                                 \
	/* 2 */ X(site)                                                                                      \
	/* 3 */ X(unit)                                                                                      \
	/* 4 */ X(region)                                                                                    \
	/* 5 */ X(country)                                                                                   \
	/* 6 */ X(width)                                                                                     \
	/* 7 */ X(height)                                                                                    \
	/* 8 */ X(timeout_ms)                                                                                \
	/* 9 */ X(ids)                                                                                       \
	/* 10 */ X(ids_unknown)                                                                              \
	/* 11 */ X(device)                                                                                   \
	/* 12 */ X(format)                                                                                   \
	/* 13 */ X(position)                                                                                 \
	/* 14 */ X(os)                                                                                       \
	/* 15 */ X(browser)                                                                                  \
	/* 16 */ X(hour)

enum { VERSION = 1 };

size_t context_write(const struct context *c, unsigned char p[CONTEXT_BYTES])
{
	unsigned char *at = p;
	uint32_t floor_bits;

	*at++ = VERSION;
#define X(field)                                                                                             \
	for (size_t i = 0; i < sizeof c->field; i++)                                                         \
		*at++ = (unsigned char)((uint64_t)c->field >> (8 * i));
	CONTEXT_FIELDS(X)
#undef X
	memcpy(&floor_bits, &c->floor_usd, sizeof floor_bits);
	for (size_t i = 0; i < sizeof floor_bits; i++)
		*at++ = (unsigned char)(floor_bits >> (8 * i));
	assert(at - p <= CONTEXT_BYTES);
	return (size_t)(at - p);
}

bool context_parse(const unsigned char *p, size_t n, struct context *ret_c)
{
	struct context c = { 0 };
	size_t want = 1 + sizeof c.floor_usd, at = 1;
	uint64_t v = 0;
	uint32_t floor_bits = 0;

#define X(field) want += sizeof c.field;
	CONTEXT_FIELDS(X)
#undef X
	if (n < want || p[0] != VERSION)
		return false;
#define X(field)                                                                                             \
	v = 0;                                                                                               \
	for (size_t i = 0; i < sizeof c.field; i++)                                                          \
		v |= (uint64_t)p[at++] << (8 * i);                                                           \
	c.field = (__typeof__(c.field))v;
	CONTEXT_FIELDS(X)
#undef X
	for (size_t i = 0; i < sizeof floor_bits; i++)
		floor_bits |= (uint32_t)p[at++] << (8 * i);
	memcpy(&c.floor_usd, &floor_bits, sizeof c.floor_usd);
	memcpy(c.floor_cur, "USD", 4);
	*ret_c = c;
	return true;
}
