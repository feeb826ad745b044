//! `#[db_test::session]`: the user's function as it is, and its registration before `main`.
//!
//! From
//!
//! ```text
//! #[db_test::session]
//! fn session() -> Session { BODY }
//! ```
//!
//! it makes
//!
//! ```text
//! fn session() -> Session { BODY }
//! const _: () = {
//!     ::db_test::macro_support::ctor::declarative::ctor! {
//!         #[ctor(unsafe, anonymous)]
//!         fn __db_test_register_session() {
//!             ::db_test::macro_support::register_session(
//!                 ::core::concat!(::core::module_path!(), "::session"),
//!                 session,
//!             );
//!         }
//!     }
//! };
//! ```
//!
//! The long name is unlikely to hide the user's function.

use proc_macro2::{Literal, Span, TokenStream};
use quote::quote_spanned;

use crate::crate_path::CratePath;
use crate::errors::Errors;
use crate::function::Function;
use crate::{args, fallback, fragment, validate};

/// Turns the item under `#[session]` into itself and its registration, or into its mistakes.
pub(crate) fn compile(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let path = args::only_crate(options, "db_test::session", &mut errors);
    let db_test = CratePath::find(path.as_ref(), &mut errors);
    match syn::parse2(fragment::tokens(item.clone())) {
        Ok(function) => {
            validate::session(&function, &mut errors);
            if errors.is_empty() {
                return expand(&function, &db_test);
            }
        }
        Err(error) => errors.push(error),
    }
    fallback::item(item, &errors)
}

fn expand(function: &Function, db_test: &CratePath) -> TokenStream {
    let name = &function.signature.ident;
    let path = Literal::string(&format!("::{name}"));
    quote_spanned! {Span::mixed_site()=>
        #function
        const _: () = {
            #db_test::macro_support::ctor::declarative::ctor! {
                #[ctor(unsafe, anonymous)]
                fn __db_test_register_session() {
                    #db_test::macro_support::register_session(
                        ::core::concat!(::core::module_path!(), #path),
                        #name,
                    );
                }
            }
        };
    }
}
