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
	{ 0xc0586300, 24 }, /* 6to4 relays, of old */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarking */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xe0000000, 3 },  /* multicast, reserved, broadcast */
};

/* Only global unicast (2000::/3) is public at all, and of that not: */
static const struct {
	uint8_t prefix[4];
	int bits;
} v6_private[] = {
	{ { 0x20, 0x01, 0, 0 }, 23 },       /* protocol assignments: Teredo, benchmarking, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x3f, 0xff, 0, 0 }, 20 },       /* documentation */
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

/* Addresses that carry an IPv4 address in them are as private as that one; those of another kind are private
 * unless they are known to be public. */
static bool v6_is_private(const struct in6_addr *a)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	const uint8_t *b = a->s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(a) || memcmp(b, nat64, sizeof nat64) == 0)
		return v4_is_private(be32(b + 12));
	if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
		return v4_is_private(be32(b + 2));
	if (b[0] >> 5 != 1)
		return true; /* loopback, link-local, unique local, multicast, unassigned */
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

void http_address_read(struct str s, struct sockaddr_storage *ret_sa)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret_sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret_sa;
	const char *zone = s.n ? memchr(s.p, '%', s.n) : NULL;
	char text[INET6_ADDRSTRLEN + 1];

	*ret_sa = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (zone)
		s.n = (size_t)(zone - s.p);
	if (s.n == 0 || s.n >= sizeof text)
		return;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		ret_sa->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		ret_sa->ss_family = AF_INET6;
}

bool http_address_is_private_literal(struct str host)
{
	struct sockaddr_storage sa;

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){ host.p + 1, host.n - 2 };
	http_address_read(host, &sa);
	return sa.ss_family != AF_UNSPEC && http_address_is_private((const struct sockaddr *)&sa);
}
