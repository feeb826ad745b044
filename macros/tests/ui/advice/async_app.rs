// macros/tests/ui/session_async.stderr: .app(|cx| async move { … })
// macros/tests/ui/session_async.stderr: .seed(…)
use axum::Router;
use db_test::Session;

async fn app(_: sqlx::PgPool) -> Router {
    Router::new()
}

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .seed(async |_| Ok::<_, db_test::BoxError>(()))
        .app(|cx| async move { app(cx.pool()).await })
}
