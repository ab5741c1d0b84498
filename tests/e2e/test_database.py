"""Tables of real PostgreSQL and MariaDB servers are read exactly once: through restarts, kill -9 and late commits."""

import time

import databases
import world
from databases import MariaDb, PostgreSql, config, database
from world import wait_for

ROWS = 10_000

TABLE = {
    "postgresql": "CREATE TABLE opencps_dossierlog (dossierlogid bigint PRIMARY KEY, dossierid bigint, userid bigint, author varchar(75), "
                  "content text, notificationtype varchar(75), payload json, seal bytea, fee numeric(12,2), createdate timestamp);",
    "mysql": "CREATE TABLE opencps_dossierlog (dossierlogid bigint PRIMARY KEY, dossierid bigint, userid bigint, author varchar(75), "
             "content longtext, notificationtype varchar(75), payload longtext, seal blob, fee decimal(12,2), createdate datetime(6));",
}
MANY = {
    "postgresql": "INSERT INTO opencps_dossierlog SELECT n, n, 9, 'binh.le', 'hồ sơ số ' || n || ' hết', 'RECEIVE', NULL, NULL, 1, "
                  "timestamp '2026-03-14 08:00:00' + n / 7 * interval '1 second' FROM generate_series({first}, {last}) n;",
    "mysql": "INSERT INTO opencps_dossierlog SELECT seq, seq, 9, 'binh.le', CONCAT('hồ sơ số ', seq, ' hết'), 'RECEIVE', NULL, NULL, 1, "
             "'2026-03-14 08:00:00' + INTERVAL seq DIV 7 SECOND FROM seq_{first}_to_{last};",
}
BY_ID = {"table": "opencps_dossierlog", "id_column": "dossierlogid", "page_rows": 500}
BY_TIME = {**BY_ID, "time_column": "createdate"}
QUERY = "event.dataset:opencps.dossierlog"


def row(number, text="một dòng", at="2026-03-14 09:00:00"):
    return (f"INSERT INTO opencps_dossierlog (dossierlogid, dossierid, userid, author, content, createdate) "
            f"VALUES ({number}, {number}, 1, 'an', '{text}', '{at}');")


def prepared(it):
    it.sql(TABLE[it.kind])
    it.grant("opencps_dossierlog")


def ids(server):
    return sorted(int(event["event.id"]) for event in server.search(QUERY))


def expect(server, numbers):
    numbers = sorted(numbers)
    wait_for(lambda: server.count(QUERY) >= len(numbers), 90, f"{len(numbers)} rows")
    time.sleep(2.5)  # two polls more: nothing may come twice
    found = ids(server)
    assert found == numbers, f"{len(found)} rows, {len(set(found))} different, {len(numbers)} expected"


def each_row_once(kind, order):
    with world.folder() as place, database(kind, place / "db") as it:
        prepared(it)
        it.sql(MANY[it.kind].format(first=1, last=ROWS))
        settings = config(place, it, **order)
        server = world.Server(place / "data", config=settings)
        server.start()
        # Three times killed in the middle of a page, wherever that is.
        for _ in range(3):
            before = server.count(QUERY)
            wait_for(lambda: server.count(QUERY) > before, 60, "more rows")
            server.kill()
            server.start()
        expect(server, range(1, ROWS + 1))
        it.sql(row(ROWS + 1))
        expect(server, range(1, ROWS + 2))
        server.stop()
        it.sql(row(ROWS + 2))
        server.start()
        expect(server, range(1, ROWS + 3))
        # The database's own restart.
        it.stop()
        it.start()
        it.sql(row(ROWS + 3))
        expect(server, range(1, ROWS + 4))
        samples = {line.split(" ")[0]: line.split(" ")[1] for line in metrics(server).splitlines() if not line.startswith("#")}
        label = '{input="database:opencps"}'
        assert int(samples[f"longan_input_stored_total{label}"]) <= int(samples[f"longan_input_received_total{label}"]), samples
        server.stop()


def metrics(server):
    import http.client
    import socket

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(server.endpoints["socket"])

    connection = Local("localhost")
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def test_postgresql_by_id_each_row_once():
    each_row_once(PostgreSql, BY_ID)


def test_postgresql_by_time_each_row_once():
    each_row_once(PostgreSql, {**BY_TIME, "lateness_seconds": 60})


def test_mariadb_by_id_each_row_once():
    each_row_once(MariaDb, BY_ID)


def test_mariadb_by_time_each_row_once():
    each_row_once(MariaDb, {**BY_TIME, "lateness_seconds": 60})


def values_are_kept(kind):
    with world.folder() as place, database(kind, place / "db") as it:
        prepared(it)
        seal = "'\\x00ff10'" if it.kind == "postgresql" else "x'00ff10'"
        it.sql("INSERT INTO opencps_dossierlog VALUES (1, 48811, 61042, 'hoa.tran', 'Phê duyệt \"hồ sơ\"\nđã ký', 'APPROVE', "
               f"'{{\"step\": 3}}', {seal}, 125000.50, '2026-03-14 09:26:53.25');")
        it.sql("INSERT INTO opencps_dossierlog (dossierlogid, dossierid, content) VALUES (2, 1, NULL);")
        with world.server(data=place, config=config(place, it, **BY_ID)) as server:
            expect(server, [1, 2])
            first = next(event for event in server.search(QUERY) if str(event["event.id"]) == "1")
            raw = world.json.loads(first["event.original"])
            assert raw["seal"] == "00ff10" and raw["content"] == 'Phê duyệt "hồ sơ"\nđã ký', raw
            assert raw["createdate"].startswith("2026-03-14T09:26:53.25") and raw["createdate"].endswith("+07:00"), raw
            assert '"fee":125000.50' in first["event.original"], first["event.original"]
            assert first["@timestamp"].startswith("2026-03-14T02:26:53.25") and first["user.name"] == "hoa.tran", first
            second = next(event for event in server.search(QUERY) if str(event["event.id"]) == "2")
            assert world.json.loads(second["event.original"])["content"] is None, second
            assert server.count(f'{QUERY} AND "phe duyet"') == 1


def test_postgresql_values_are_kept():
    values_are_kept(PostgreSql)


def test_mariadb_values_are_kept():
    values_are_kept(MariaDb)


def late_rows_are_found(kind, order, rows):
    """Rows are committed behind rows with higher ids and times that were read long before."""
    with world.folder() as place, database(kind, place / "db") as it:
        prepared(it)
        with world.server(data=place, config=config(place, it, **order)) as server:
            it.sql(rows[0])
            slow = it.session()
            slow.stdin.write(("" if it.kind == "postgresql" else "USE opencps;\n") + "BEGIN;\n" + rows[1] + "\n")
            slow.stdin.flush()
            time.sleep(1)
            it.sql(rows[2])
            expect(server, [1, 5])
            server.kill()
            server.start()
            slow.stdin.write("COMMIT;\n")
            slow.stdin.close()
            slow.wait(20)
            expect(server, [1, 3, 5])
            assert f'longan_database_late_rows_total{{input="database:opencps"}} 1' in metrics(server)


def test_rows_committed_late_are_found():
    by_id = (row(1), row(3), row(5))
    for kind in (PostgreSql, MariaDb):
        late_rows_are_found(kind, BY_ID, by_id)
        by_time = (row(1, at="2026-03-14 09:00:00"), row(3, at="2026-03-14 09:00:30"), row(5, at="2026-03-14 09:01:00"))
        late_rows_are_found(kind, BY_TIME, by_time)
        # The same time, a lower id.
        late_rows_are_found(kind, BY_TIME, by_id)


def test_a_select_with_a_join_from_the_end_on():
    with world.folder() as place, database(PostgreSql, place / "db") as it:
        prepared(it)
        it.sql("CREATE TABLE users (id bigint, screenname text); INSERT INTO users VALUES (1, 'nguyễn an'); GRANT SELECT ON users TO soc;" + row(1))
        query = "SELECT l.dossierlogid, l.dossierid, l.createdate, u.screenname AS author FROM opencps_dossierlog l JOIN users u ON u.id = l.userid"
        keys = {"query": query, "id_column": "dossierlogid", "from_beginning": False}
        with world.server(data=place, config=config(place, it, **keys)) as server:
            wait_for(lambda: 'longan_input_connections{input="database:opencps"} 1' in metrics(server), 20, "a connection")
            time.sleep(1)
            it.sql(row(2))
            expect(server, [2])
            assert server.search(QUERY)[0]["user.name"] == "nguyễn an"


def test_over_tls_with_a_verified_certificate():
    for kind in (PostgreSql, MariaDb):
        with world.folder() as place:
            tls = world.certificates(place / "tls")
            with database(kind, place / "db", tls=tls) as it:
                prepared(it)
                it.sql(row(1))
                with world.server(data=place, config=config(place, it, tls=True, tls_ca=tls / "ca.pem", **BY_ID)) as server:
                    expect(server, [1])
                other = world.certificates(place / "other")
                server = world.Server(place / "data2", config=config(place, it, tls=True, tls_ca=other / "ca.pem", **BY_ID))
                server.start()
                wait_for(lambda: "the database is not read" in server.tail(), 20, "a refusal")
                server.stop()


def told(place, it, part, **keys):
    """The log names the mistake, with a hint, and the server goes on."""
    server = world.Server(place / f"data-{abs(hash(part))}", config=config(place, it, **keys))
    server.start()
    try:
        wait_for(lambda: part in server.tail(), 30, f"`{part}` in the log:\n{server.tail()}")
        assert databases.PASSWORD not in server.log.read_text()
    finally:
        server.stop()


def test_mistakes_are_told_with_a_hint():
    for kind in (PostgreSql, MariaDb):
        with world.folder() as place, database(kind, place / "db") as it:
            it.sql(TABLE[it.kind])
            grant = "GRANT SELECT ON opencps_dossierlog TO soc" if kind is PostgreSql else "GRANT SELECT ON opencps.opencps_dossierlog"
            told(place, it, grant, **BY_ID)
            it.grant("opencps_dossierlog")
            told(place, it, "look at `user`, `password_file`", **{**BY_ID, "user": "nobody"})
            if kind is PostgreSql:
                told(place, it, "lower case", **{**BY_ID, "table": "OpenCPS_DossierLog"})
            told(place, it, "did you mean `dossierlogid`", **{**BY_ID, "id_column": "dossierlogi"})


def test_the_session_cannot_write():
    """A function that writes is called by a statement that looks harmless."""
    with world.folder() as place, database(PostgreSql, place / "db") as it:
        prepared(it)
        it.sql("CREATE FUNCTION sly() RETURNS bigint AS $$ INSERT INTO opencps_dossierlog (dossierlogid) VALUES (99) RETURNING 1 $$ "
               "LANGUAGE sql SECURITY DEFINER; GRANT EXECUTE ON FUNCTION sly() TO soc;" + row(1))
        told(place, it, "tries to write", query="SELECT dossierlogid, sly() AS x FROM opencps_dossierlog", id_column="dossierlogid")
        assert it.sql("SELECT count(*) FROM opencps_dossierlog").strip() == "1"
