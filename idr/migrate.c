#include "idr/migrate.h"

#include <string.h>

#include "common/err.h"
#include "common/mem.h"
#include "idr/server.h"
#include "idr/store/pg.h"

static int migrate(const char *conninfo, struct pg_schema *ret_s, struct errtext *why)
{
	const char *const keys[] = { "dbname", "connect_timeout", "application_name", NULL };
	const char *const values[] = { conninfo, "10", "nexus-idr migrate", NULL };
	PGconn *c = PQconnectdbParams(keys, values, 1);
	int err = ERR_UNREACHABLE;

	if (PQstatus(c) == CONNECTION_OK) {
		err = pg_migrate(c, ret_s, why);
	} else {
		const char *text = PQerrorMessage(c);

		errtext_set(why, "%.*s", (int)strcspn(text, "\n"), text);
	}
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
