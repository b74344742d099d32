/* The server behind admin_port; one worker runs it. */
#ifndef PBS_ENDPOINTS_ADMIN_H
#define PBS_ENDPOINTS_ADMIN_H

#include "common/errtext.h"

struct http_server;
struct pbs_worker;

/* NULL when it cannot listen. */
struct http_server *admin_new(struct pbs_worker *w, struct errtext *why);

#endif
