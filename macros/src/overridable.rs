//! `#[db_test::overridable]`: an extractor that looks for a value set by the test first.
//!
//! From
//!
//! ```text
//! #[db_test::overridable]
//! impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
//!     type Rejection = AuthError;
//!     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> { BODY }
//! }
//! ```
//!
//! it makes
//!
//! ```text
//! impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
//!     type Rejection = AuthError;
//!     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
//!         if let ::core::option::Option::Some(overridden) =
//!             ::db_test::macro_support::overridden::<Self>(parts).await
//!         {
//!             return overridden;
//!         }
//!         match parts { parts => { BODY } }
//!     }
//! }
//! impl ::db_test::macro_support::Overridable for CurrentUser {
//!     type Rejection = AuthError;
//! }
//! ```
//!
//! The argument is named `parts` in any case, since the user's pattern may be `_`. The arm of the
//! `match` has that pattern, here `parts` again.
//! `BODY` keeps its own block, so that items at its start stay at the start of a block.

mod extractor;
mod validate;

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::quote_spanned;
use syn::{FnArg, Pat};

use crate::crate_path::CratePath;
use crate::errors::Errors;
use crate::function::Function;
use crate::{args, fallback, fragment};
use extractor::Extractor;

/// Turns the item under `#[overridable]` into an overridable extractor, or into its mistakes.
pub(crate) fn compile(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let path = args::only_crate(options, "db_test::overridable", &mut errors);
    let db_test = CratePath::find(path.as_ref(), &mut errors);
    match Extractor::parse(fragment::tokens(item.clone())) {
        Ok(extractor) => {
            validate::extractor(&extractor, &mut errors);
            if errors.is_empty() {
                return expand(extractor, &db_test);
            }
        }
        Err(error) => errors.push(error),
    }
    fallback::item(item, &errors)
}

fn expand(mut extractor: Extractor, db_test: &CratePath) -> TokenStream {
    let methods = extractor.methods.iter_mut();
    methods.for_each(|method| look_first(method, db_test));
    let self_ty = &extractor.rest.self_ty;
    let generics = extractor.type_generics();
    let (parameters, _, where_clause) = generics.split_for_impl();
    let rejections = extractor.rejections();
    quote_spanned! {Span::mixed_site()=>
        #extractor
        impl #parameters #db_test::macro_support::Overridable for #self_ty #where_clause {
            #(#rejections)*
        }
    }
}

/// Looks for an override before the body of a method.
fn look_first(method: &mut Function, db_test: &CratePath) {
    let Some(FnArg::Typed(request)) = method.signature.inputs.first_mut() else {
        return;
    };
    let ours = Span::mixed_site();
    let parts = Pat::Verbatim(quote_spanned!(ours=> parts));
    let pattern = std::mem::replace(&mut *request.pat, parts);
    let body = &method.body;
    let statements = quote_spanned! {ours=>
        if let ::core::option::Option::Some(overridden) =
            #db_test::macro_support::overridden::<Self>(parts).await
        {
            return overridden;
        }
        match parts { #pattern => #body }
    };
    let mut around = Group::new(Delimiter::Brace, statements);
    around.set_span(method.body.span());
    method.body = around;
}
