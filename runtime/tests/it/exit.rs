//! The end of the process.

use db_test::{TestContext, db_test};
use sqlx::{Connection, PgConnection};

use crate::child;

#[db_test]
async fn lanes_are_given_back_in_good_order(cx: TestContext) {
    let options = cx.outside().await.expect("the session has started");
    let passed = tokio::task::spawn_blocking(|| child::run("transactions::", &[]))
        .await
        .expect("it runs");
    assert!(passed.success, "{}", passed.output);
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("the server answers");
    let clean: i64 = sqlx::query_scalar(
        "select count(*) from pg_database \
         where starts_with(datname, $1) and shobj_description(oid, 'pg_database') like 'db-test clean %'",
    )
    .bind(options.get_database().and_then(|name| name.rsplit_once('_')).expect("a lane has a number").0)
    .fetch_one(&mut connection)
    .await
    .expect("the databases can be listed");
    assert!(
        clean >= 2,
        "the template and the child's lane carry the mark of good order, {clean} databases do"
    );
}
