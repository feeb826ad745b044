//! Counting queries.

use db_test::{Client, Queries, db_test};
use sqlx::PgPool;

#[db_test]
async fn the_list_of_posts_is_one_query(client: Client, queries: Queries) {
    queries
        .expect(1, client.get("/posts"))
        .await
        .assert_status_ok();
}

#[db_test(max_queries = 4, max_queries_per_request = 2)]
async fn the_blog_stays_frugal(client: Client) {
    client.get("/posts").await.assert_status_ok();
    client.get("/posts").await.assert_status_ok();
}

#[db_test]
async fn a_user_is_written_once(pool: PgPool, queries: Queries) -> sqlx::Result<()> {
    let insert = "insert into users (email, role) values ('ada@example.com', 'reader')";
    sqlx::query(insert).execute(&pool).await?;
    let written = queries.matching("insert into users%values");
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].rows(), Some(1));
    Ok(())
}
