//! axum-login with its users in the sandbox, and its sessions in memory.

use axum::{Json, Router, http::StatusCode, routing::get, routing::post};
use axum_login::{
    AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required,
    tower_sessions::{MemoryStore, SessionManagerLayer},
};
use db_test::{BoxError, Client, FromTest, TestContext, db_test};
use sqlx::PgPool;

#[derive(Clone, Debug)]
struct User {
    id: i64,
    password: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Clone)]
struct Backend(PgPool);

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = (String, String);
    type Error = sqlx::Error;

    async fn authenticate(&self, (name, password): (String, String)) -> sqlx::Result<Option<User>> {
        let select = "select id, password from users where name = $1 and password = $2";
        let select = sqlx::query_as::<_, (i64, String)>(select)
            .bind(name)
            .bind(password);
        let found = select.fetch_optional(&self.0).await?;
        Ok(found.map(|(id, password)| User { id, password }))
    }

    async fn get_user(&self, id: &UserId<Self>) -> sqlx::Result<Option<User>> {
        let select = "select id, password from users where id = $1";
        let select = sqlx::query_as::<_, (i64, String)>(select).bind(id);
        let found = select.fetch_optional(&self.0).await?;
        Ok(found.map(|(id, password)| User { id, password }))
    }
}

type AuthSession = axum_login::AuthSession<Backend>;

pub(crate) fn app(pool: PgPool) -> Router {
    // The client speaks plain HTTP.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let auth = AuthManagerLayerBuilder::new(Backend(pool), sessions).build();
    Router::new()
        .route("/secret", get(async || "the engine"))
        .route_layer(login_required!(Backend))
        .route("/login", post(login))
        .layer(auth)
}

async fn login(mut auth: AuthSession, Json(credentials): Json<(String, String)>) -> StatusCode {
    let Ok(Some(user)) = auth.authenticate(credentials).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match auth.login(&user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A client that has logged in.
struct SignedIn(Client);

impl FromTest for SignedIn {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let insert = "insert into users (name, password) values ('ada', 'engine')";
        sqlx::query(insert).execute(&cx.pool()).await?;
        let client: Client = cx.get().await?;
        let response = client.post("/login").json(&("ada", "engine")).await;
        response.assert_status(StatusCode::NO_CONTENT);
        Ok(Self(client))
    }
}

#[db_test]
async fn a_client_stays_signed_in(SignedIn(client): SignedIn) {
    client.get("/secret").await.assert_text("the engine");
}

#[db_test]
async fn another_client_of_the_same_test_is_not(SignedIn(_signed_in): SignedIn, client: Client) {
    let response = client.get("/secret").await;
    response.assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test]
async fn nobody_else_is_there(client: Client) {
    let response = client.post("/login").json(&("ada", "engine")).await;
    response.assert_status(StatusCode::UNAUTHORIZED);
}
