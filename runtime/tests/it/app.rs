//! The application under test: items with unique names.

mod wasteful;

use std::net::SocketAddr;

use axum::{
    Extension, Json, Router,
    extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts, State},
    http::{StatusCode, request::Parts},
    routing::{get, post},
};
use db_test::TestContext;
use sqlx::PgPool;

/// What tests override as an extension.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Greeting(pub(crate) &'static str);

/// What tests override in the state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit(pub(crate) i64);

/// What tests override as an extractor: the user whom the header `x-caller` names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller(pub(crate) String);

#[db_test::overridable]
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let header = parts.headers.get("x-caller");
        let name = header.and_then(|value| value.to_str().ok());
        name.map(|name| Self(name.to_owned()))
            .ok_or(StatusCode::UNAUTHORIZED)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, StatusCode> {
        let caller = <Self as FromRequestParts<S>>::from_request_parts(parts, state);
        Ok(caller.await.ok())
    }
}

#[derive(Clone)]
struct AppState {
    pool: PgPool,
    limit: Limit,
}

pub(crate) fn app(cx: &TestContext) -> Router {
    let state = AppState {
        pool: cx.pool(),
        limit: cx.overridden_or(|| Limit(100)),
    };
    Router::new()
        .route("/items", post(add).get(list))
        .route("/greeting", get(greet))
        .route("/caller", get(name_caller))
        .route("/caller/if-any", get(name_caller_if_any))
        .route(
            "/own-greeting",
            get(greet).layer(Extension(Greeting("own"))),
        )
        .route("/address", get(address))
        .route("/print", get(print))
        .with_state(state)
        .merge(wasteful::routes(cx.pool()))
}

async fn add(
    State(state): State<AppState>,
    Json(name): Json<String>,
) -> (StatusCode, &'static str) {
    match try_add(&state.pool, &name).await {
        Ok(()) => (StatusCode::CREATED, ""),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            (StatusCode::CONFLICT, "taken")
        }
        Err(error) => panic!("{error}"),
    }
}

/// Adds an item in a transaction of its own, as production code does.
pub(crate) async fn try_add(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into items (name) values ($1)")
        .bind(name)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// The names of all items, the oldest first.
pub(crate) async fn names(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("select name from items order by id")
        .fetch_all(pool)
        .await
        .expect("items can be read")
}

async fn list(State(state): State<AppState>) -> Json<Vec<String>> {
    let names = sqlx::query_scalar("select name from items order by id limit $1")
        .bind(state.limit.0)
        .fetch_all(&state.pool)
        .await;
    Json(names.expect("items can be read"))
}

async fn greet(greeting: Option<Extension<Greeting>>) -> &'static str {
    greeting.map_or("none", |Extension(Greeting(text))| text)
}

async fn address(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.ip().to_string()
}

async fn name_caller(Caller(name): Caller) -> String {
    name
}

async fn name_caller_if_any(caller: Option<Caller>) -> String {
    caller.map_or("nobody".to_owned(), |Caller(name)| name)
}

#[expect(clippy::print_stdout, reason = "tests look for it")]
async fn print() {
    println!("printed by a handler");
}
