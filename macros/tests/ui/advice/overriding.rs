// runtime/src/overrides/unused.rs: overrides.extension(…)
// runtime/src/overrides/unused.rs: #[db_test(overrides = …)]
// runtime/src/overrides/unused.rs: cx.overridden_or
use db_test::{Overrides, Session, db_test};

fn admin(overrides: &Overrides) {
    overrides.extension("admin");
}

#[db_test(overrides = admin)]
async fn as_admin() {}

#[db_test::session]
fn session() -> Session {
    Session::postgres().app(|cx| {
        let name: &str = cx.overridden_or(|| "nobody");
        axum::Router::new().layer(axum::Extension(name))
    })
}
