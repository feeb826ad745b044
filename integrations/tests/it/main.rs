//! db-test together with other crates, a file each.
//!
//! The session store of tower-sessions on sqlx is missing: its newest version (0.15) is for sqlx
//! 0.8.

mod actix;
mod axum_login;
mod drivers;
mod grpc;
mod sea_orm;
mod web_socket;

use db_test::Session;

#[db_test::session]
fn session() -> Session {
    Session::postgres().app(|cx| axum_login::app(cx.pool()))
}
