//! Authentication: a bearer token, sent to the user's address, names the user of a request.

mod token;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    routing::post,
};
use serde::Deserialize;
use sqlx::PgPool;

use self::token::Token;
use crate::{
    AppState, Error,
    fields::Email,
    json::Json,
    mailer::{Mail, Mailer},
    users::User,
};

/// The user who sent the request. A handler that takes it answers 401 to everybody else.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub User);

#[db_test::overridable]
impl<S> FromRequestParts<S> for CurrentUser
where
    PgPool: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let token = bearer_token(parts).ok_or(Error::Unauthorized)?;
        let user = sqlx::query_as(
            "select users.* from users join tokens on tokens.user_id = users.id
             where tokens.hash = $1 and tokens.expires_at > now()",
        )
        .bind(token.hash())
        .fetch_optional(&PgPool::from_ref(state))
        .await?;
        user.map(Self).ok_or(Error::Unauthorized)
    }
}

/// The routes of this file.
pub fn routes() -> Router<AppState> {
    Router::new().route("/tokens", post(sign_in).delete(sign_out))
}

#[derive(Deserialize)]
struct SignIn {
    email: Email,
}

async fn sign_in(
    State(db): State<PgPool>,
    State(mailer): State<Arc<dyn Mailer>>,
    Json(SignIn { email }): Json<SignIn>,
) -> Result<StatusCode, Error> {
    let user: User = sqlx::query_as("select * from users where email = $1")
        .bind(email)
        .fetch_optional(&db)
        .await?
        .ok_or(Error::NotFound("user"))?;
    let token = Token::random();
    sqlx::query("insert into tokens (hash, user_id) values ($1, $2)")
        .bind(token.hash())
        .bind(user.id)
        .execute(&db)
        .await?;
    mailer
        .send(Mail {
            to: user.email,
            subject: "Your token",
            text: token.reveal(),
        })
        .await?;
    Ok(StatusCode::ACCEPTED)
}

async fn sign_out(
    CurrentUser(user): CurrentUser,
    State(db): State<PgPool>,
) -> Result<StatusCode, Error> {
    sqlx::query("delete from tokens where user_id = $1")
        .bind(user.id)
        .execute(&db)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn bearer_token(parts: &Parts) -> Option<Token> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Token::from(token.trim()))
}
