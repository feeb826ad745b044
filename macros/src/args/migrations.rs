//! The options `migrations` and `migrator` of `#[sqlx::test]`, which a session sets once for all
//! tests.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprPath, Ident, Lit};

use crate::errors::mistake;
use crate::fragment;

/// The call that passes these migrations to the runtime.
pub(super) fn parse(key: &Ident, value: &Expr) -> syn::Result<TokenStream> {
    let at = proc_macro2::Span::mixed_site().located_at(value.span());
    let literal = match fragment::expression(value) {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    };
    match literal {
        Some(Lit::Str(directory)) if key == "migrations" => {
            Ok(quote_spanned!(at=> .migrations_in(#directory)))
        }
        Some(Lit::Bool(bool)) if key == "migrations" && bool.value => Ok(TokenStream::new()),
        Some(Lit::Bool(_)) if key == "migrations" => Ok(quote_spanned!(at=> .no_migrations())),
        Some(Lit::Str(text)) if key == "migrator" => match text.parse::<ExprPath>() {
            Ok(path) => Ok(quote_spanned!(at=> .migrator(|| &#path))),
            Err(_) => Err(refused(key, value)),
        },
        _ => Err(refused(key, value)),
    }
}

fn refused(key: &Ident, value: &Expr) -> syn::Error {
    if key == "migrator" {
        return mistake(
            value,
            "expected the path of a static in quotes",
            "write `migrator = \"crate::MIGRATOR\"`",
        );
    }
    mistake(
        value,
        "expected a directory in quotes, or `false`",
        "write `migrations = \"migrations\"` or `migrations = false`",
    )
}
