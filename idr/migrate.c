#include "idr/migrate.h"

#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "common/pg.h"
#include "idr/server.h"
#include "idr/store/pg.h"

static int migrate(const char *conninfo, struct pg_schema *ret_s, struct errtext *why)
{
	PGconn *c = pg_open(conninfo, "nexus-idr migrate", 10, 0, why);
	int err = c ? pg_migrate(c, ret_s, why) : ERR_UNREACHABLE;

	PQfinish(c);
	return err;
}

int migrate_run(struct conf *conf, bool optional, FILE *out, FILE *err)
{
	FREE_ON_EXIT char *conninfo = idr_conninfo(conf_values(conf));
	struct errtext why = { "no database is configured: set DATABASE_URL" };
	struct pg_schema s;
	int failed = conninfo ? migrate(conninfo, &s, &why) < 0 : !optional;

	conf_free(conf);
	if (!conninfo && optional)
		fprintf(out, "no database is configured: nothing to migrate\n");
	else if (failed)
		fprintf(err, "nexus-idr: %s\n", why.text);
	else
		fprintf(out, "schema %lld -> %lld (%s)\n", (long long)s.before, (long long)s.after,
			pg_tier_name(s.tier));
	return failed;
}
