//! The examples of `docs/overrides.md`: an application, and what a test can replace of it.

mod clock;
mod closures;
mod late;
mod layers;
mod one_request;
mod outbound;
mod user;

use axum::{Router, extract::FromRef, routing::get};
use db_test::Session;
use sqlx::PgPool;

use self::{clock::Clock, outbound::Outbound, user::CurrentUser};

#[derive(Clone)]
struct AppState {
    pool: PgPool,
    clock: Clock,
    outbound: Outbound,
}

impl FromRef<AppState> for PgPool {
    fn from_ref(state: &AppState) -> Self {
        state.pool.clone()
    }
}

impl FromRef<AppState> for Clock {
    fn from_ref(state: &AppState) -> Self {
        state.clock.clone()
    }
}

impl FromRef<AppState> for Outbound {
    fn from_ref(state: &AppState) -> Self {
        state.outbound.clone()
    }
}

fn app(state: AppState) -> Router {
    Router::new()
        .route("/me", get(|CurrentUser(name): CurrentUser| async { name }))
        .route("/price", get(outbound::price))
        .merge(clock::routes())
        .with_state(state)
}

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/docs/overriding/migrations")
        .app(|cx| {
            app(AppState {
                pool: cx.pool(),
                clock: cx.overridden_or(Clock::system),
                outbound: cx.overridden_or(Outbound::network),
            })
        })
        .overrides(|o| o.set(CurrentUser("ada".to_owned())))
}
