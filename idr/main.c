#include <stdio.h>
#include <unistd.h>

#include "common/args.h"
#include "idr/auth/commands.h"
#include "idr/migrate.h"
#include "idr/server.h"

static const char *const places[] = { "idr/config/idr.yaml", "/etc/nexus/idr.yaml", NULL };

static void health_address(const void *values, struct str *ret_host, uint16_t *ret_port)
{
	const struct idr_config *c = values;

	*ret_host = str_of(c->host);
	*ret_port = (uint16_t)c->port;
}

static int check(struct conf *conf, struct errtext *why)
{
	json_object_seed(0);
	return idr_check(conf, why);
}

int main(int argc, char **argv)
{
	const struct args_program program = {
		.name = "nexus-idr",
		.table = &idr_conf_table,
		.places = places,
		.health_address = health_address,
		.check = check,
		.more_usage =
			"       nexus-idr migrate [--if-configured] [--config FILE]   brings the database's "
			"schema up to date\n"
			"       nexus-idr hash-password   asks for a password (or reads a line), prints its "
			"hash for ADMIN_USERS\n"
			"       nexus-idr totp-secret     prints a new secret for one-time codes, for "
			"ADMIN_USERS\n"
	};
	int status;
	bool migrate = argc > 1 && strcmp(argv[1], "migrate") == 0;
	bool optional = migrate && argc > 2 && strcmp(argv[2], "--if-configured") == 0;
	int used = migrate + optional;
	struct conf *conf;

	if (argc == 2 && auth_command(argv[1], stdin, stdout, stderr, &status))
		return status;
	conf = args_start(&program, argc - used, argv + used, environ, stdout, stderr, &status);

	if (!conf)
		return status;
	if (migrate)
		return migrate_run(conf, optional, stdout, stderr);
	json_object_seed(0); /* before threads: jansson's hash seed is process-wide */
	return idr_serve(conf);
}
