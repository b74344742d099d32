#include <stdio.h>
#include <unistd.h>

#include "common/args.h"
#include "idr/server.h"

static const char *const places[] = { "idr/config/idr.yaml", "/etc/nexus/idr.yaml", NULL };

static void health_address(const void *values, struct str *ret_host, uint16_t *ret_port)
{
	const struct idr_config *c = values;

	*ret_host = str_of(c->host);
	*ret_port = (uint16_t)c->port;
}

int main(int argc, char **argv)
{
	const struct args_program program = { "nexus-idr", idr_version, &idr_conf_table, places,
					      health_address };
	int status;
	struct conf *conf = args_start(&program, argc, argv, environ, stdout, stderr, &status);

	if (!conf)
		return status;
	json_object_seed(0); /* before threads: jansson's hash seed is process-wide */
	return idr_serve(conf);
}
