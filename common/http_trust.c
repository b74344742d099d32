#include "common/http_trust.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/mem.h"

struct http_trust {
	X509_STORE *store;
};

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";
static X509_STORE *system_store; /* of all workers; kept until the process ends */

static X509_STORE *load_system(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store && X509_STORE_load_locations(store, system_bundle, NULL) != 1)
		(void)X509_STORE_set_default_paths(store);
	return store;
}

static void load_system_store(void)
{
	system_store = load_system();
}

static X509_STORE *load_with(const char *ca_file)
{
	X509_STORE *store = load_system();

	if (store && X509_STORE_load_locations(store, ca_file, NULL) == 1)
		return store;
	X509_STORE_free(store);
	return NULL;
}

struct http_trust *http_trust_load(const char *ca_file)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_trust *t;
	X509_STORE *store;

	if (ca_file) {
		store = load_with(ca_file);
	} else {
		pthread_once(&once, load_system_store);
		store = system_store;
		if (store)
			X509_STORE_up_ref(store);
	}
	if (!store)
		return NULL;
	t = xcalloc(1, sizeof *t);
	t->store = store;
	return t;
}

void http_trust_free(struct http_trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	free(t);
}

void http_trust_apply(const struct http_trust *t, void *ssl_ctx)
{
	SSL_CTX_set1_cert_store(ssl_ctx, t->store);
}
