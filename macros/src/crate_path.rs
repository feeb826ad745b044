//! The path by which generated code reaches the crate `db-test`.
//!
//! A package may give its dependency another name, and a support crate may re-export it. The first
//! is read from `Cargo.toml`; the second is the option `crate = path`.

use proc_macro_crate::{Error, FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ExprPath;

use crate::errors::Errors;

/// The name of the package, which dependents may rename.
const PACKAGE: &str = "db-test";

/// The path of the crate, such as `::db_test`.
pub(crate) struct CratePath(TokenStream);

impl CratePath {
    /// The path that an option names, or else the name of the dependency.
    pub(crate) fn find(option: Option<&ExprPath>, errors: &mut Errors) -> Self {
        if let Some(path) = option {
            return Self(path.to_token_stream());
        }
        let found = crate_name(PACKAGE);
        if let Err(Error::CrateNotFound { .. }) = found {
            let problem = "the `Cargo.toml` of this package does not name `db-test`";
            let help = "write `crate = path::to::db_test` if another crate re-exports it, or run \
                        `cargo add --dev db-test`";
            errors.push(syn::Error::new(
                Span::call_site(),
                format!("{problem}\n{help}"),
            ));
        }
        match found {
            Ok(FoundCrate::Name(name)) => Self::named(&name),
            // Another build system may have no `Cargo.toml`, and so no other name.
            Ok(FoundCrate::Itself) | Err(_) => Self::named("db_test"),
        }
    }

    /// The same path, for code whose errors are about the user's tokens at `span`.
    pub(crate) fn at(&self, span: Span) -> Self {
        let trees = self.0.clone().into_iter().map(|mut tree| {
            tree.set_span(tree.span().located_at(span));
            tree
        });
        Self(trees.collect())
    }

    fn named(name: &str) -> Self {
        let name = Ident::new(name, Span::mixed_site());
        Self(quote_spanned!(Span::mixed_site()=> ::#name))
    }
}

impl ToTokens for CratePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
