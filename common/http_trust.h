/* The certificates that upstreams are verified against, read once instead of once per multi handle.
 *
 * Threads a loaded set is never changed and may be shared.
 */
#ifndef COMMON_HTTP_TRUST_H
#define COMMON_HTTP_TRUST_H

struct http_trust;

/* From this file of PEM certificates; NULL = the system's. NULL when they cannot be read. */
struct http_trust *http_trust_load(const char *ca_file);
void http_trust_free(struct http_trust *t);
void http_trust_apply(const struct http_trust *t, void *ssl_ctx); /* an OpenSSL SSL_CTX */

#endif
