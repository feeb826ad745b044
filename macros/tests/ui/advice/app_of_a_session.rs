// runtime/src/test/cause.rs: #[db_test::session] fn session() -> Session { Session::
// runtime/src/test/cause.rs: .app(|cx| …) }
use axum::Router;
use db_test::{Session, TestContext};

fn app(_: TestContext) -> Router {
    Router::new()
}

#[rustfmt::skip]
#[db_test::session] fn session() -> Session { Session::postgres().app(|cx| app(cx)) }
