//! What the options of `#[db_test]` generate.

use expect_test::expect;
use quote::quote;

use super::check;
use crate::test_fn;

#[test]
fn options_describe_the_test() {
    let options = quote!(
        timeout = "2m",
        isolation = "database",
        overrides = crate::admin,
        session = sessions::small::<A, B>,
    );
    let item = quote!(
        async fn starts() {}
    );
    check(
        test_fn::compile(options, &item),
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
                            .session(sessions::small::<A, B>)
                            .overrides(crate::admin)
                            .timeout(::core::time::Duration::from_millis(120000))
                            .own_database()
                    },
                    (),
                    |()| ::std::boxed::Box::pin(starts()),
                )
            }
        "##]],
    );
}

#[test]
fn fixtures_are_embedded() {
    let options = quote!(fixtures("users", "../sql/posts.sql"));
    let item = quote!(
        async fn starts() {}
    );
    check(
        test_fn::compile(options, &item),
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
                            .fixtures(
                                ::core::file!(),
                                &[
                                    (
                                        "fixtures/users.sql",
                                        ::core::include_str!("fixtures/users.sql"),
                                    ),
                                    ("../sql/posts.sql", ::core::include_str!("../sql/posts.sql")),
                                ],
                            )
                    },
                    (),
                    |()| ::std::boxed::Box::pin(starts()),
                )
            }
        "##]],
    );
}
