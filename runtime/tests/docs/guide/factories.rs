//! Factories: ordinary functions that take the pool.

use db_test::{Client, db_test};
use sqlx::PgPool;

use super::arguments::Author;

/// A post with what a test says about it; the rest does not matter to the test.
struct Post<'a> {
    title: &'a str,
    author: i64,
}

async fn post(pool: &PgPool, Post { title, author }: Post<'_>) -> Result<i64, sqlx::Error> {
    let insert = "insert into posts (author, title) values ($1, $2) returning id";
    let insert = sqlx::query_scalar(insert).bind(author).bind(title);
    insert.fetch_one(pool).await
}

#[db_test]
async fn posts_are_listed_in_order(
    pool: PgPool,
    author: Author,
    client: Client,
) -> Result<(), sqlx::Error> {
    for title in ["On engines", "On notes"] {
        let author = author.id;
        post(&pool, Post { title, author }).await?;
    }
    let posts: Vec<String> = client.get("/posts").await.json();
    assert_eq!(posts, ["On engines", "On notes"]);
    Ok(())
}
