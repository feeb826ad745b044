//! The inner tests of `rollback`. In an ordinary run they pass.

use std::{error::Error, future};

use child::{in_child, say};
use db_test::{TestContext, db_test};
use sqlx::{Connection, PgConnection, PgExecutor, PgPool};

#[db_test]
async fn passes(db: PgPool) -> sqlx::Result<()> {
    add_a_user(&db).await
}

#[db_test]
async fn fails(db: PgPool) -> sqlx::Result<()> {
    add_a_user(&db).await?;
    assert!(!in_child(), "the assertion that fails");
    Ok(())
}

#[db_test]
async fn panics_inside_a_transaction(db: PgPool) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    add_a_user(&mut *tx).await?;
    assert!(!in_child(), "the panic");
    tx.commit().await
}

#[db_test]
async fn returns_an_error(db: PgPool) -> Result<(), Box<dyn Error>> {
    add_a_user(&db).await?;
    if in_child() {
        Err("the error".into())
    } else {
        Ok(())
    }
}

#[db_test(timeout = "2s")]
async fn takes_too_long(db: PgPool) -> sqlx::Result<()> {
    add_a_user(&db).await?;
    if in_child() {
        future::pending::<()>().await;
    }
    Ok(())
}

/// Prints what is committed in the database of the test before it, which this process still has to
/// itself.
#[db_test]
async fn what_is_left(cx: TestContext) -> Result<(), Box<dyn Error>> {
    let mut outside = PgConnection::connect_with(&cx.outside().await?).await?;
    let sql = "select current_database()::text, string_agg(email, ' ' order by email) from users";
    let (database, users): (String, String) = sqlx::query_as(sql).fetch_one(&mut outside).await?;
    say("looked in", database);
    say("users", users);
    Ok(outside.close().await?)
}

/// Adds the user that must not be left, and says where.
async fn add_a_user(db: impl PgExecutor<'_>) -> sqlx::Result<()> {
    let sql = "insert into users (email, name) values ('left@example.com', 'Left')
               returning current_database()::text";
    let database: String = sqlx::query_scalar(sql).fetch_one(db).await?;
    say("wrote to", database);
    Ok(())
}
