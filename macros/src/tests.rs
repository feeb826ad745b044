//! What the macros generate, as text. `UPDATE_EXPECT=1 cargo test` rewrites the snapshots.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes the snapshots"
)]

mod from_test;
mod options;
mod overridable;
mod rstest;
mod session;

use expect_test::{Expect, expect};
use proc_macro2::TokenStream;
use quote::quote;

use crate::compile;

fn check(generated: TokenStream, expected: &Expect) {
    let text = generated.to_string();
    let file = syn::parse2(generated).unwrap_or_else(|error| panic!("{error} in {text}"));
    expected.assert_eq(&prettyplease::unparse(&file));
}

#[test]
fn a_test_is_one_call_into_the_runtime() {
    let item = quote! {
        /// Doc.
        async fn creates_a_user(client: Client) {
            client.post("/users").await;
        }
    };
    check(
        compile::test(TokenStream::new(), &item),
        &expect![[r#"
            /// Doc.
            #[::core::prelude::v1::test]
            fn creates_a_user() {
                #[allow(clippy::unused_async)]
                async fn creates_a_user(client: Client) {
                    client.post("/users").await;
                }
                ::db_test::macro_support::run(
                    const {
                        &::db_test::macro_support::Test::new(
                            ::core::concat!(::core::module_path!(), "::creates_a_user"),
                            ::core::env!("CARGO_MANIFEST_DIR"),
                        )
                    },
                    (::db_test::macro_support::argument(),),
                    |arguments| ::db_test::macro_support::Box::pin(creates_a_user(arguments.0)),
                )
            }
            #[cfg(not(test))]
            const _: fn() = || {
                ::db_test::macro_support::argument::<Client>();
            };
        "#]],
    );
}

#[test]
fn a_test_without_arguments_has_nothing_to_check() {
    let item = quote!(
        async fn starts() {}
    );
    check(
        compile::test(TokenStream::new(), &item),
        &expect![[r##"
            #[::core::prelude::v1::test]
            fn starts() {
                #[allow(clippy::unused_async)]
                async fn starts() {}
                ::db_test::macro_support::run(
                    const {
                        &::db_test::macro_support::Test::new(
                            ::core::concat!(::core::module_path!(), "::starts"),
                            ::core::env!("CARGO_MANIFEST_DIR"),
                        )
                    },
                    (),
                    |()| ::db_test::macro_support::Box::pin(starts()),
                )
            }
        "##]],
    );
}

#[test]
fn a_returned_value_is_reported() {
    let item = quote! {
        pub(crate) async fn reads(mut pool: PgPool, _: Client) -> anyhow::Result<()> {
            Ok(())
        }
    };
    check(
        compile::test(TokenStream::new(), &item),
        &expect![[r##"
            #[::core::prelude::v1::test]
            pub(crate) fn reads() -> ::db_test::macro_support::ExitCode {
                #[allow(clippy::unused_async)]
                async fn reads(mut pool: PgPool, _: Client) -> anyhow::Result<()> {
                    Ok(())
                }
                ::db_test::macro_support::run_returning(
                    const {
                        &::db_test::macro_support::Test::new(
                            ::core::concat!(::core::module_path!(), "::reads"),
                            ::core::env!("CARGO_MANIFEST_DIR"),
                        )
                    },
                    (::db_test::macro_support::argument(), ::db_test::macro_support::argument()),
                    |arguments| ::db_test::macro_support::reported(
                        ::db_test::macro_support::Box::pin(reads(arguments.0, arguments.1)),
                    ),
                )
            }
            #[cfg(not(test))]
            const _: fn() = || {
                ::db_test::macro_support::argument::<PgPool>();
                ::db_test::macro_support::argument::<Client>();
            };
        "##]],
    );
}

#[test]
fn an_expected_panic_is_described() {
    let item = quote! {
        #[should_panic = "no such user"]
        #[ignore]
        async fn r#type() -> () {}
    };
    check(
        compile::test(TokenStream::new(), &item),
        &expect![[r##"
            #[should_panic = "no such user"]
            #[ignore]
            #[::core::prelude::v1::test]
            fn r#type() {
                #[allow(clippy::unused_async)]
                async fn r#type() -> () {}
                ::db_test::macro_support::run(
                    const {
                        &::db_test::macro_support::Test::new(
                                ::core::concat!(::core::module_path!(), "::r#type"),
                                ::core::env!("CARGO_MANIFEST_DIR"),
                            )
                            .should_panic()
                    },
                    (),
                    |()| ::db_test::macro_support::Box::pin(r#type()),
                )
            }
        "##]],
    );
}

#[test]
fn a_body_goes_out_as_it_came_in() {
    let item = quote!(async fn half_typed(client: Client) { client. });
    let generated = compile::test(TokenStream::new(), &item).to_string();
    assert!(
        generated.contains("async fn half_typed (client : Client) { client . }"),
        "{generated}"
    );
}

#[test]
fn every_mistake_is_reported_and_the_function_stays() {
    let options = quote!(timeout = 5, colour = "red");
    let item = quote! {
        #[tokio::test]
        fn reads(pool: &PgPool) {
            pool.acquire().await;
        }
    };
    check(
        compile::test(options, &item),
        &expect![[r#"
            async fn reads(pool: &PgPool) {
                pool.acquire().await;
            }
            ::core::compile_error! {
                "`5` has no unit\nwrite `timeout = \"5s\"`"
            }
            ::core::compile_error! {
                "unknown option `colour`\nthe options are `isolation = \"database\"`, `flavor = \"current_thread\"`, `start_paused = true`, `timeout = \"5s\"`, `overrides = path::to::function`, `session = path::to::function`, `fixtures(\"users\")`, `migrations = \"migrations\"`, `migrator = \"path::TO_MIGRATOR\"`, `max_queries = 7`, `max_queries_per_request = 3`, `crate = path::to::db_test`"
            }
            ::core::compile_error! {
                "`#[db_test]` already makes a test of this function\nremove `#[tokio::test]`"
            }
            ::core::compile_error! {
                "`reads` is not async\nwrite `async fn reads`"
            }
            ::core::compile_error! {
                "a test owns its arguments, it cannot borrow `PgPool`\nwrite `pool: PgPool`"
            }
        "#]],
    );
}

#[test]
fn an_expansion_stays_small() {
    let item = quote!(
        async fn creates_a_user(client: Client) {}
    );
    let generated = compile::test(TokenStream::new(), &item);
    let added = generated.to_string().len() - item.to_string().len();
    assert!(added <= 600, "{added} bytes come on top of every test");
    expect!["555"].assert_eq(&added.to_string());
}
