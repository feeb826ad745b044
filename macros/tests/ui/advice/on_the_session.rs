// runtime/src/postgres/cause.rs: .superuser()
// runtime/src/postgres/cause.rs: .role("{role}")
// runtime/src/postgres/cause.rs: .locale("{tag}")
// runtime/src/postgres/cause.rs: cx.savepoint()
// runtime/src/test/app.rs: .with_state(state)
use axum::{Router, extract::State, routing::get};
use db_test::{BoxError, Session, TestContext, db_test};

async fn greet(State(name): State<String>) -> String {
    name
}

fn app() -> Router {
    let state = String::new();
    Router::new().route("/", get(greet)).with_state(state)
}

#[db_test::session]
fn session() -> Session {
    Session::postgres().superuser().role("{role}").locale("{tag}").app(|_| app())
}

#[db_test]
async fn returns(cx: TestContext) -> Result<(), BoxError> {
    cx.savepoint().await?;
    Ok(())
}
