//! The options of `#[sqlx::test]` that say here on the session what they say there on the test.

use syn::{Expr, ExprLit, Ident, Lit};

use crate::errors::{as_written, mistake};
use crate::fragment;

/// Refuses `migrations = …` and `migrator = …`, with what to write instead.
pub(super) fn refuse(key: &Ident, value: &Expr) -> syn::Error {
    let migrations = match (key == "migrator", fragment::expression(value)) {
        (
            true,
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }),
        ) => format!("&{}", path.value()),
        (
            false,
            Expr::Lit(ExprLit {
                lit: Lit::Bool(bool),
                ..
            }),
        ) if !bool.value => "sqlx::migrate::Migrator::DEFAULT".to_owned(),
        (
            false,
            Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }),
        ) => format!("{:?}", path.value()),
        _ => as_written(value),
    };
    let problem = format!("`{key}` is said once, by the session, and not by each test");
    let session = format!("Session::postgres().migrations({migrations})");
    let cure = format!(
        "write `#[db_test::session] fn session() -> Session {{ {session} }}`, and remove `{key}`\n\
         or, for these tests alone, drop that attribute and write `#[db_test(session = session)]`"
    );
    mistake(key, problem, cure)
}
