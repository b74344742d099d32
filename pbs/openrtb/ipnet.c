#include "pbs/openrtb/ipnet.h"

#include <arpa/inet.h>

#include "common/mem.h"

#define NET4(a, b, bits)                                                                                     \
	{                                                                                                    \
		.addr = { .bytes = { (a), (b) } }, .prefix_bits = (bits)                                     \
	}
#define NET6(bits, ...)                                                                                      \
	{                                                                                                    \
		.addr = { .v6 = true, .bytes = { __VA_ARGS__ } }, .prefix_bits = (bits)                      \
	}

const struct ip_net ip_private_nets[] = {
	NET4(10, 0, 8),     NET4(172, 16, 12),
	NET4(192, 168, 16), NET4(169, 254, 16),
	NET4(127, 0, 8),    NET6(128, [15] = 1),
	NET6(7, 0xfc),      NET6(10, 0xfe, 0x80),
	NET6(8, 0xff),      NET6(32, 0x20, 0x01, 0x0d, 0xb8),
};
const size_t ip_n_private_nets = ARRAY_LEN(ip_private_nets);

bool ip_parse(struct str text, struct ip_addr *ret_ip)
{
	struct ip_addr ip = { .v6 = text.n && memchr(text.p, ':', text.n) };
	char z[IP_TEXT_MAX];

	if (text.n == 0 || text.n >= sizeof z || memchr(text.p, '\0', text.n))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, z, ip.bytes) != 1)
		return false;
	*ret_ip = ip;
	return true;
}

void ip_write(const struct ip_addr *ip, char ret_text[IP_TEXT_MAX])
{
	(void)inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, ret_text, IP_TEXT_MAX);
}

bool ip_net_parse(struct str text, struct ip_net *ret_net)
{
	struct str addr = str_cut(&text, '/');
	struct ip_net net;
	uint32_t bits;

	if (!text.p || !ip_parse(addr, &net.addr) || !str_parse_u32(text, 0, net.addr.v6 ? 128 : 32, &bits))
		return false;
	net.prefix_bits = bits;
	*ret_net = net;
	return true;
}

static bool contains(const struct ip_net *net, const struct ip_addr *ip)
{
	unsigned whole = net->prefix_bits / 8, rest = net->prefix_bits % 8;

	if (net->addr.v6 != ip->v6 || memcmp(net->addr.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || (net->addr.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool ip_in_any(const struct ip_addr *ip, const struct ip_net *nets, size_t n_nets)
{
	for (size_t i = 0; i < n_nets; i++)
		if (contains(&nets[i], ip))
			return true;
	return false;
}
