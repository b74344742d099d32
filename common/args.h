/* The command line that both services share, up to a loaded configuration.
 *
 *   --config FILE        the YAML file; else $<PREFIX>CONFIG, else the first of `places` that exists, else
 * none
 *   --check-config       says whether the service would start with this configuration
 *   --print-config       the resolved values, secrets masked, with the origin of each
 *   --config-reference   every key, in Markdown
 *   --health             asks the running service's /health; exit status 0 or 1
 *   --new-key            prints a new API key
 *   --version, --help
 */
#ifndef COMMON_ARGS_H
#define COMMON_ARGS_H

#include <stdint.h>
#include <stdio.h>

#include "common/conf.h"
#include "common/str.h"

struct args_program {
	const char *name; /* "nexus-pbs" */
	const struct conf_table *table;
	const char *const *places; /* of the configuration file, ends in NULL; may be NULL */
	/* Where /health is served, from the service's struct. */
	void (*health_address)(const void *values, struct str *ret_host, uint16_t *ret_port);
	/* Makes what the start makes of `conf`, which it takes, but takes no port and writes nothing: what would stop the
	 * start is said in `why`. May be NULL. */
	int (*check)(struct conf *conf, struct errtext *why);
	const char *more_usage; /* lines on what the service's own main() understands; may be NULL */
};

/* The configuration when the service is to run. Otherwise NULL: everything is said and done, and *ret_exit is
 * the exit status (0 done, 1 refused or unhealthy, 2 bad usage). */
struct conf *args_start(const struct args_program *p, int argc, char *const *argv, char *const *env,
			FILE *out, FILE *err, int *ret_exit);

#endif
