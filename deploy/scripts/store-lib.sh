# shellcheck shell=bash
# What backup and restore share.

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" > /dev/null || die "$program is not installed"
    done
}

# "table rows", a line each, sorted.
sqlite_counts() {
    local table
    sqlite3 "$1" "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name" |
        while read -r table; do
            echo "$table $(sqlite3 "$1" "SELECT count(*) FROM \"$table\"")"
        done
}

# Of every table outside the system's and the extension's own schemas. $1: a connection, or nothing for PG* variables.
pg_counts() {
    psql -X -q -At -v ON_ERROR_STOP=1 ${1:+"$1"} -c "
        SELECT format('%I.%I', schemaname, tablename) || ' ' ||
               (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename),
                                                    false, true, '')))[1]::text
        FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname NOT LIKE '\_timescaledb%'
        ORDER BY 1"
}
