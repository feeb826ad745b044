//! Tests with SQLite. Each file is one guarantee.

mod arguments;
mod beside;
mod ending;
mod fidelity;
mod fixtures;
mod home;
mod keeping;
mod making;
mod memory;
mod on_request;
mod overriding;
mod own_pool;
mod queries;
mod refusing;
mod templates;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use db_test::{BoxError, Session};
use sqlx::SqlitePool;

#[db_test::session]
fn session() -> Session {
    let migrations = std::env::var(templates::MIGRATIONS);
    let seed = std::env::var(templates::SEED);
    Session::sqlite()
        .migrations(migrations.as_deref().unwrap_or("tests/sqlite/migrations"))
        .seed_sql(
            seed.as_deref()
                .unwrap_or("insert into users (name) values ('seeded')"),
        )
        .app(|cx| app(cx.sqlite_pool()))
}

/// A session whose connections and seed are of its own kind.
fn adapted() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .sqlite_options(|options| options.foreign_keys(false).pragma("cache_size", "77"))
        .sqlite_seed(|pool| async move {
            add(&pool, "by code").await?;
            Ok::<_, BoxError>(())
        })
}

fn app(pool: SqlitePool) -> Router {
    Router::new()
        .route("/users", get(names_of_all))
        .route("/users/{name}", post(register))
        .with_state(pool)
}

async fn names_of_all(State(pool): State<SqlitePool>) -> Json<Vec<String>> {
    Json(names(&pool).await)
}

async fn register(State(pool): State<SqlitePool>, Path(name): Path<String>) -> StatusCode {
    match add(&pool, &name).await {
        Ok(()) => StatusCode::CREATED,
        Err(_) => StatusCode::CONFLICT,
    }
}

async fn names(pool: &SqlitePool) -> Vec<String> {
    sqlx::query_scalar("select name from users order by id")
        .fetch_all(pool)
        .await
        .expect("they are read")
}

async fn add(pool: &SqlitePool, name: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("insert into users (name) values (?)")
        .bind(name)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
