//! What `#[session]` generates.

use expect_test::expect;
use proc_macro2::TokenStream;
use quote::quote;

use super::check;
use crate::session;

#[test]
fn a_session_is_registered_before_main() {
    let item = quote! {
        fn session() -> Session {
            Session::postgres()
        }
    };
    check(
        session::compile(TokenStream::new(), &item),
        &expect![[r#"
        fn session() -> Session {
            Session::postgres()
        }
        const _: () = {
            ::db_test::macro_support::ctor::declarative::ctor! {
                #[ctor(unsafe, anonymous)] fn __db_test_register_session() {
                ::db_test::macro_support::register_session(::core::concat!(::core::module_path!(),
                "::session"), session,); }
            }
        };
    "#]],
    );
}
