/* IP addresses and the networks that count as private.
 *
 * Shapes  text forms are those of inet_pton: no ports, no zones. Anything with a colon is IPv6.
 */
#ifndef PBS_OPENRTB_IPNET_H
#define PBS_OPENRTB_IPNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum { IP_TEXT_MAX = 46 };

struct ip_addr {
	bool v6;
	uint8_t bytes[16]; /* the first four for IPv4 */
};

struct ip_net {
	struct ip_addr addr;
	unsigned prefix_bits;
};

bool ip_parse(struct str text, struct ip_addr *ret_ip);
void ip_write(const struct ip_addr *ip, char ret_text[IP_TEXT_MAX]);

/* "10.0.0.0/8", "fc00::/7" */
bool ip_net_parse(struct str text, struct ip_net *ret_net);
bool ip_in_any(const struct ip_addr *ip, const struct ip_net *nets, size_t n_nets);

/* What is private unless the host says otherwise: loopback, link-local, site-local, multicast v6,
 * documentation v6. */
extern const struct ip_net ip_private_nets[];
extern const size_t ip_n_private_nets;

#endif
