//! The README's example of an argument type of one's own.

use db_test::{BoxError, FromTest, Session, TestContext, db_test};
use sqlx::PgPool;

#[db_test::session]
fn session() -> Session {
    Session::postgres().migrations("tests/docs/migrations")
}

/// A user that many tests need.
struct Ada {
    id: i64,
}

impl FromTest for Ada {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let insert = "insert into users (email) values ('ada@example.com') returning id";
        let pool: PgPool = cx.get().await?;
        let id = sqlx::query_scalar(insert).fetch_one(&pool).await?;
        Ok(Self { id })
    }
}

#[db_test]
async fn ada_has_her_address(ada: Ada, pool: PgPool) -> Result<(), sqlx::Error> {
    let select = sqlx::query_scalar("select email from users where id = $1").bind(ada.id);
    let email: String = select.fetch_one(&pool).await?;
    assert_eq!(email, "ada@example.com");
    Ok(())
}
