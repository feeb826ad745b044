//! Arguments of one's own.

use axum::http::StatusCode;
use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use sqlx::PgPool;

/// A user who may write.
pub(crate) struct Author {
    pub(crate) id: i64,
}

impl FromTest for Author {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let pool: PgPool = cx.get().await?;
        let insert = "insert into users (email) values ('ada@example.com') returning id";
        let id = sqlx::query_scalar(insert).fetch_one(&pool).await?;
        Ok(Self { id })
    }
}

#[db_test]
async fn an_author_writes(author: Author, client: Client) {
    let posts = format!("/users/{}/posts", author.id);
    let response = client.post(&posts).json(&"On engines").await;
    response.assert_status(StatusCode::CREATED);
}
