//! Comparing databases.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::place::Place;

/// Everything in a database that a test could have changed, sequences excepted, as one text.
const CONTENT: &str = "select coalesce((select string_agg(i::text, ',' order by id) from items i), '') || '/' \
     || coalesce((select string_agg(p::text, ',' order by item) from parts p), '') || '/' \
     || (select string_agg(relname, ',' order by relname) from pg_class where relnamespace = 'public'::regnamespace) || '/' \
     || (select string_agg(typname, ',' order by typname) from pg_type where typnamespace = 'public'::regnamespace) || '/' \
     || (select string_agg(attname, ',' order by attname) from pg_attribute \
         where attrelid in ('items'::regclass, 'parts'::regclass) and attnum > 0)";

/// Asserts that each lane that is marked as clean is what a new clone of its template is; gives
/// the number of lanes.
pub(crate) async fn of_lanes_with_their_template(place: &Place) -> usize {
    let mut server = place.connect().await;
    let template: String = sqlx::query_scalar(
        "select datname from pg_database where datistemplate and datname like 'dbt%'",
    )
    .fetch_one(&mut server)
    .await
    .expect("there is one template");
    let clone = format!("create database clone template {template}");
    sqlx::raw_sql(AssertSqlSafe(clone))
        .execute(&mut server)
        .await
        .expect("it is cloned");
    let lanes: Vec<String> = sqlx::query_scalar(
        "select datname from pg_database where starts_with(datname, $1) \
         and shobj_description(oid, 'pg_database') like 'db-test clean %'",
    )
    .bind(format!("{template}_"))
    .fetch_all(&mut server)
    .await
    .expect("the lanes are listed");
    server.close().await.expect("it closes");
    let expected = content(place, "clone").await;
    for lane in &lanes {
        assert_eq!(content(place, lane).await, expected, "{lane}");
    }
    lanes.len()
}

async fn content(place: &Place, database: &str) -> String {
    let options = place.socket().username("postgres").database(database);
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("it connects");
    let content = sqlx::query_scalar(CONTENT)
        .fetch_one(&mut connection)
        .await
        .expect("it is read");
    connection.close().await.expect("it closes");
    content
}
