/* Which network addresses must not be reached on behalf of outsiders: everything that is not public.
 *
 * Source  the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890).
 */
#ifndef COMMON_HTTP_ADDRESS_H
#define COMMON_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/str.h"

/* An address from its text, "127.0.0.1" or "::1"; family AF_UNSPEC, which is private, when it is none. */
void http_address_read(struct str text, struct sockaddr_storage *ret_sa);

bool http_address_is_private(const struct sockaddr *sa);
/* "127.0.0.1", "[::1]", "::1"; false for names, which are judged once they are resolved. */
bool http_address_is_private_literal(struct str host);

#endif
