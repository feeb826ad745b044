//! What a database holds, in a few lines that can be compared.

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

const RELATIONS: &str = "select c.oid::regclass::text || ' ' || c.relkind::text || ' ' || c.relnatts from pg_class c \
    where c.oid >= 16384 and relnamespace <> 'pg_toast'::regnamespace order by 1";

const TYPES: &str = "select t.oid::regtype::text || ' ' || coalesce(string_agg(enumlabel, ',' order by enumsortorder), '') \
    from pg_type t left join pg_enum on enumtypid = t.oid where t.oid >= 16384 group by t.oid order by 1";

const TABLES: &str = "select c.oid::regclass::text from pg_class c where relkind = 'r' and c.oid >= 16384 order by 1";

/// Schema and rows of the database that these options lead to, without its sequences' values.
pub(crate) async fn of(options: &PgConnectOptions) -> Vec<String> {
    let mut connection = PgConnection::connect_with(options)
        .await
        .expect("it connects");
    let mut lines = texts(&mut connection, RELATIONS).await;
    lines.extend(texts(&mut connection, TYPES).await);
    for table in texts(&mut connection, TABLES).await {
        let rows = format!("select r::text from {table} as r order by 1");
        let rows = texts(&mut connection, &rows).await;
        lines.extend(rows.iter().map(|row| format!("{table}: {row}")));
    }
    connection.close().await.expect("it is closed");
    lines
}

async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let texts = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
    texts.fetch_all(connection).await.expect("it is read")
}
