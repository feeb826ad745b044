//! Arguments made of arguments.

use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use sqlx::PgPool;

use super::arguments::Author;

/// A blog with an author in it, and a client to read it with.
#[derive(FromTest)]
struct Blog {
    author: Author,
    client: Client,
    pool: PgPool,
}

/// A blog that somebody has written to.
struct FullBlog(Blog);

impl FromTest for FullBlog {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let blog: Blog = cx.get().await?;
        let insert = "insert into posts (author, title) values ($1, 'On engines')";
        let insert = sqlx::query(insert).bind(blog.author.id);
        insert.execute(&blog.pool).await?;
        Ok(Self(blog))
    }
}

#[db_test]
async fn a_post_is_listed(FullBlog(blog): FullBlog) {
    let posts = blog.client.get("/posts").await;
    posts.assert_json(&["On engines".to_owned()]);
}
