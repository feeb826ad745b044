//! Handlers that send more statements than one.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use sqlx::PgPool;

use super::names;

pub(super) fn routes(pool: PgPool) -> Router {
    Router::new()
        .route("/items/twice", get(twice))
        .route("/items/one-by-one", get(one_by_one))
        .route("/items/two", post(add_two))
        .with_state(pool)
}

async fn twice(State(pool): State<PgPool>) {
    names(&pool).await;
    names(&pool).await;
}

async fn one_by_one(State(pool): State<PgPool>) {
    for id in 0..5_i64 {
        let name = sqlx::query("select name from items where id = $1").bind(id);
        name.fetch_optional(&pool).await.expect("it can be read");
    }
}

async fn add_two(State(pool): State<PgPool>) -> StatusCode {
    let mut tx = pool.begin().await.expect("it begins");
    for name in ["one", "two"] {
        let insert = sqlx::query("insert into items (name) values ($1)").bind(name);
        insert.execute(&mut *tx).await.expect("it is added");
    }
    tx.commit().await.expect("it commits");
    StatusCode::CREATED
}
