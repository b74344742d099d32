#include "common/http_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/mem.h"

static const struct {
	uint32_t net;
	int bits;
} v4_private[] = {
	{ 0x00000000, 8 },  /* this network */
	{ 0x0a000000, 8 },  /* private */
	{ 0x64400000, 10 }, /* carrier-grade NAT */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* link-local, and the clouds' metadata services */
	{ 0xac100000, 12 }, /* private */
	{ 0xc0000000, 24 }, /* protocol assignments */
	{ 0xc0000200, 24 }, /* documentation */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarking */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
};

static const struct {
	uint8_t prefix[4];
	int bits;
} v6_private[] = {
	{ { 0xfc, 0, 0, 0 }, 7 },           /* unique local */
	{ { 0xfe, 0x80, 0, 0 }, 10 },       /* link-local */
	{ { 0xfe, 0xc0, 0, 0 }, 10 },       /* site-local, of old */
	{ { 0xff, 0, 0, 0 }, 8 },           /* multicast */
	{ { 0x01, 0, 0, 0 }, 16 },          /* discard, 100::/16 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
};

static bool v4_is_private(uint32_t ip)
{
	for (size_t i = 0; i < ARRAY_LEN(v4_private); i++)
		if ((ip ^ v4_private[i].net) >> (32 - v4_private[i].bits) == 0)
			return true;
	return false;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Addresses that carry an IPv4 address in them are as private as that one. */
static bool v6_is_private(const struct in6_addr *a)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const uint8_t *b = a->s6_addr;

	if (IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a))
		return true;
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || memcmp(b, nat64, sizeof nat64) == 0)
		return v4_is_private(be32(b + 12));
	if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
		return v4_is_private(be32(b + 2));
	for (size_t i = 0; i < ARRAY_LEN(v6_private); i++)
		if ((be32(b) ^ be32(v6_private[i].prefix)) >> (32 - v6_private[i].bits) == 0)
			return true;
	return false;
}

bool http_address_is_private(const struct sockaddr *sa)
{
	switch (sa->sa_family) {
	case AF_INET:
		return v4_is_private(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	case AF_INET6: return v6_is_private(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	default: return true;
	}
}

bool http_address_is_private_literal(struct str host)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct in6_addr v6;
	struct in_addr v4;
	const char *zone;

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){ host.p + 1, host.n - 2 };
	zone = host.n ? memchr(host.p, '%', host.n) : NULL;
	if (zone)
		host.n = (size_t)(zone - host.p);
	if (host.n == 0 || host.n >= sizeof text)
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return v4_is_private(ntohl(v4.s_addr));
	return inet_pton(AF_INET6, text, &v6) == 1 && v6_is_private(&v6);
}
