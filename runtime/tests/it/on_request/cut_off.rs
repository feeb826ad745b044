//! A test whose connection the server ends while it is idle.

use child::in_child;
use db_test::{TestContext, db_test};
use sqlx::{Connection, PgConnection, PgPool};

use crate::app::try_add;

#[db_test]
async fn by_its_server(pool: PgPool, cx: TestContext) {
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&pool)
        .await
        .expect("there is an answer");
    if in_child() {
        let options = cx.outside().await.expect("there is an outside");
        let mut outside = PgConnection::connect_with(&options.database("postgres"))
            .await
            .expect("it connects");
        let end = sqlx::query("select pg_terminate_backend($1, 5000)").bind(backend);
        end.execute(&mut outside).await.expect("it is ended");
    }
    try_add(&pool, "mine")
        .await
        .expect("the connection is there");
}
