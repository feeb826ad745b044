//! Row-level security and privileges, tested as the role that they are for.

use db_test::{Session, db_test};
use sqlx::PgPool;

fn as_the_application() -> Session {
    Session::postgres()
        .migrations("tests/docs/guide/roles")
        .role("guide_app")
}

#[db_test(session = as_the_application, fixtures("roles/notes.sql"))]
async fn a_tenant_sees_its_own_notes(pool: PgPool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("set local app.tenant = 'ada'")
        .execute(&mut *tx)
        .await?;
    let notes = sqlx::query_scalar("select body from notes");
    let notes: Vec<String> = notes.fetch_all(&mut *tx).await?;
    assert_eq!(notes, ["hers"]);
    Ok(())
}

#[db_test(session = as_the_application, fixtures("roles/notes.sql"))]
async fn nobody_deletes_a_note(pool: PgPool) {
    let deleted = sqlx::query("delete from notes").execute(&pool).await;
    assert!(deleted.is_err_and(|error| error.to_string().contains("permission denied")));
}

fn as_the_owner() -> Session {
    Session::postgres().migrations("tests/docs/guide/roles")
}

#[db_test(session = as_the_owner, fixtures("roles/notes.sql"))]
async fn an_owner_passes_by_policies_that_are_not_forced(pool: PgPool) -> Result<(), sqlx::Error> {
    let count = "select count(*) from notes";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&pool).await?;
    let force = sqlx::query("alter table notes force row level security");
    force.execute(&pool).await?;
    let after: i64 = sqlx::query_scalar(count).fetch_one(&pool).await?;
    assert_eq!((before, after), (2, 0));
    Ok(())
}
