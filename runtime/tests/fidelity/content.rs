//! What a database holds, in a few lines that can be compared.

use sqlx::{Connection, PgConnection, Row, postgres::PgConnectOptions};

const RELATIONS: &str = "select c.oid::regclass::text || ' ' || c.relkind::text || ' ' || c.relnatts from pg_class c \
    where c.oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace order by 1";

const TYPES: &str = "select t.oid::regtype::text || ' ' || coalesce(string_agg(enumlabel, ',' order by enumsortorder), '') \
    from pg_type t left join pg_enum on enumtypid = t.oid where t.oid >= 16384 group by t.oid order by 1";

const ROWS: &str = "select query_to_xml('select * from ' || c.oid::regclass || ' as r order by r::text', true, true, '')::text \
    from pg_class c where relkind = 'r' and c.oid >= 16384 order by c.oid::regclass::text";

/// Schema and rows of the database that these options lead to, without its sequences' values.
pub(crate) async fn of(options: &PgConnectOptions) -> Vec<String> {
    let mut connection = PgConnection::connect_with(options)
        .await
        .expect("it connects");
    let mut lines = Vec::new();
    for sql in [RELATIONS, TYPES, ROWS] {
        let rows = sqlx::query(sql)
            .fetch_all(&mut connection)
            .await
            .expect("it is read");
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    connection.close().await.expect("it is closed");
    lines
}
