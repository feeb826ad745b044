//! A client that is signed in.

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    routing::get,
};
use db_test::{BoxError, Client, FromTest, Session, TestContext, db_test};
use sqlx::PgPool;

/// The application: who sends a token that is in the table is signed in.
fn app(pool: PgPool) -> Router {
    Router::new().route("/me", get(me)).with_state(pool)
}

struct User(String);

impl FromRequestParts<PgPool> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, pool: &PgPool) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let name = sqlx::query_scalar("select name from tokens where token = $1");
        let name = name.bind(token).fetch_optional(pool).await;
        let name = name.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        name.map(Self).ok_or(StatusCode::UNAUTHORIZED)
    }
}

async fn me(User(name): User, State(_): State<PgPool>) -> Json<String> {
    Json(name)
}

fn shop() -> Session {
    let tokens = "create table tokens (token text primary key, name text not null)";
    Session::postgres()
        .seed_sql(tokens)
        .app(|cx| app(cx.pool()))
}

/// Ada's client. Take it as an argument wherever a test needs somebody signed in.
struct Ada(Client);

impl FromTest for Ada {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let insert = sqlx::query("insert into tokens values ('let me in', 'Ada')");
        insert.execute(&cx.get::<PgPool>().await?).await?;
        let mut client: Client = cx.get().await?;
        client.add_header(AUTHORIZATION, "Bearer let me in");
        Ok(Self(client))
    }
}

#[db_test(session = shop)]
async fn ada_is_known(Ada(client): Ada) {
    client.get("/me").await.assert_json(&"Ada".to_owned());
}

#[db_test(session = shop)]
async fn others_are_refused(client: Client) {
    let response = client.get("/me").await;
    response.assert_status(StatusCode::UNAUTHORIZED);
}
