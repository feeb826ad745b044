use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use db_test::{Client, Session, db_test};
use sqlx::PgPool;

// The application, as it is in production.
fn app(pool: PgPool) -> Router {
    Router::new()
        .route("/users", post(create_user))
        .with_state(pool)
}

async fn create_user(State(pool): State<PgPool>, Json(email): Json<String>) -> StatusCode {
    let mut tx = pool.begin().await.unwrap();
    let insert = sqlx::query("insert into users (email) values ($1)").bind(email);
    if insert.execute(&mut *tx).await.is_err() {
        return StatusCode::CONFLICT;
    }
    tx.commit().await.unwrap();
    StatusCode::CREATED
}

// Once per test binary: what the tests run against.
#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/docs/migrations")
        .app(|cx| app(cx.pool()))
}

#[db_test]
async fn an_address_is_taken_only_once(client: Client, db: PgPool) {
    let ada = "ada@example.com";
    let first = client.post("/users").json(&ada).await;
    first.assert_status(StatusCode::CREATED);

    let second = client.post("/users").json(&ada).await;
    second.assert_status(StatusCode::CONFLICT);

    let count = sqlx::query_scalar("select count(*) from users");
    let users: i64 = count.fetch_one(&db).await.unwrap();
    assert_eq!(users, 1);
}

#[db_test]
async fn every_test_starts_from_an_empty_table(db: PgPool) {
    let count = sqlx::query_scalar("select count(*) from users");
    let users: i64 = count.fetch_one(&db).await.unwrap();
    assert_eq!(users, 0);
}
