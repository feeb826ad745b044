//! Overrides with a session on SQLite: by session, attribute and test; gone with the test, however
//! it ends.

use std::{
    cell::{Cell, RefCell},
    panic::catch_unwind,
    sync::{Arc, Weak},
};

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    routing::get,
};
use db_test::{Client, Overrides, Session, TestContext, db_test};
use sqlx::SqlitePool;

use crate::names;

/// What tests override in the state.
#[derive(Clone, Debug, PartialEq)]
struct Greeting(&'static str);

/// What tests override as an extractor.
#[derive(Clone)]
struct Caller(&'static str);

#[db_test::overridable]
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Err(StatusCode::UNAUTHORIZED)
    }
}

fn session() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .seed_sql("insert into users (name) values ('seeded')")
        .overrides(|overrides| overrides.set(Greeting("hello")))
        .app(|cx| app(cx.sqlite_pool(), cx.overridden_or(|| Greeting("none"))))
}

fn app(pool: SqlitePool, greeting: Greeting) -> Router {
    let greet = async |State((pool, greeting)): State<(SqlitePool, Greeting)>| {
        format!("{}, {}", greeting.0, names(&pool).await.join(", "))
    };
    Router::new()
        .route("/greeting", get(greet))
        .route("/caller", get(async |Caller(name): Caller| name))
        .with_state((pool, greeting))
}

fn politely(overrides: &Overrides) {
    overrides.set(Greeting("good day"));
}

#[db_test(session = session)]
async fn the_session_overrides_the_state_and_the_application_keeps_its_database(client: Client) {
    client.get("/greeting").await.assert_text("hello, seeded");
}

#[db_test(session = session, overrides = politely)]
async fn the_attribute_overrides_what_the_session_set(client: Client) {
    let greeting = client.get("/greeting").await;
    greeting.assert_text("good day, seeded");
}

#[db_test(session = session, isolation = "memory")]
async fn a_test_in_memory_overrides_an_extractor(overrides: Overrides, client: Client) {
    overrides.set(Caller("ada"));
    client.get("/caller").await.assert_text("ada");
    client.get("/greeting").await.assert_text("hello, seeded");
    assert!(overrides.remove::<Caller>());
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
}

#[db_test(session = session)]
async fn an_override_is_seen_by_its_test_alone(client: Client, cx: TestContext) {
    client
        .get("/caller")
        .await
        .assert_status(StatusCode::UNAUTHORIZED);
    assert_eq!(cx.overridden::<Greeting>(), Some(Greeting("hello")));
}

thread_local! {
    /// What a test left behind on its thread, which its body runs on.
    static LEFT: RefCell<Option<Left>> = const { RefCell::new(None) };
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

struct Left {
    _router: Router,
    _overrides: Overrides,
    value: Weak<()>,
}

#[db_test(session = session)]
async fn leaving_its_router_behind(router: Router, overrides: Overrides) {
    let value = Arc::new(());
    let left = Left {
        _router: router,
        _overrides: overrides.clone(),
        value: Arc::downgrade(&value),
    };
    overrides.extension(value);
    LEFT.set(Some(left));
    assert!(!FAILS.get(), "failing on request");
}

#[test]
fn the_values_of_a_passing_test_are_dropped() {
    leaving_its_router_behind();
    let left = LEFT.take().expect("the test ran");
    assert_eq!(left.value.strong_count(), 0);
}

#[test]
fn the_values_of_a_failing_test_are_dropped() {
    FAILS.set(true);
    assert!(catch_unwind(leaving_its_router_behind).is_err());
    let left = LEFT.take().expect("the test ran");
    assert_eq!(left.value.strong_count(), 0);
}
