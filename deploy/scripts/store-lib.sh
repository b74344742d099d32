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

# A Redis of its own over a folder with a snapshot, reached by a socket in it and by nobody else.
# rdb_server FOLDER OPTIONS...
rdb_server() {
    local folder=$1 i
    shift
    redis-server --port 0 --unixsocket "$folder/socket" --dir "$folder" --save '' --appendonly no --daemonize yes \
        --pidfile "$folder/pid" --logfile "$folder/log" "$@" > /dev/null || die "redis-server does not start"
    for i in $(seq 600); do
        [ "$(redis-cli -s "$folder/socket" ping 2> /dev/null)" != PONG ] || return 0
        [ "$i" -lt 20 ] || [ -e "$folder/socket" ] || break # it ended: the log says why
        sleep 0.1
    done
    die "redis-server cannot read the snapshot: $(tail -n 1 "$folder/log")"
}

rdb_keys() {
    redis-cli -s "$1/socket" info keyspace | tr -d '\r' | sed -n 's/^\(db[0-9]*\):keys=\([0-9]*\),.*/\1 \2/p'
}

# Has an append-only file written that says what the memory holds, and waits for it.
rdb_append_only() {
    redis-cli -s "$1/socket" config set appendonly yes > /dev/null
    until redis-cli -s "$1/socket" info persistence | tr -d '\r' | grep -q '^aof_rewrite_in_progress:0$' &&
        redis-cli -s "$1/socket" info persistence | tr -d '\r' | grep -q '^aof_rewrite_scheduled:0$'; do
        sleep 0.1
    done
    redis-cli -s "$1/socket" info persistence | tr -d '\r' | grep -q '^aof_last_bgrewrite_status:ok$' || die "no append-only file was written"
}

rdb_stop() {
    local pid i
    pid=$(cat "$1/pid")
    redis-cli -s "$1/socket" shutdown nosave > /dev/null 2>&1 || true
    for i in $(seq 100); do
        kill -0 "$pid" 2> /dev/null || break
        [ "$i" -lt 100 ] || die "redis-server does not end"
        sleep 0.1
    done
    rm -f "$1/socket" "$1/pid"
}

# "db0 keys" of a snapshot, a line each. Keys whose time is over are not counted, nor restored.
rdb_counts() {
    local folder
    folder=$(mktemp -d)
    cp "$1" "$folder/dump.rdb"
    rdb_server "$folder" --dbfilename dump.rdb
    rdb_keys "$folder"
    rdb_stop "$folder"
    rm -rf "$folder"
}
