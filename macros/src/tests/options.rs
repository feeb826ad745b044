//! How the options of `#[db_test]` describe a test.

use expect_test::{Expect, expect};
use proc_macro2::TokenStream;
use quote::quote;

use super::check;
use crate::args::Options;
use crate::crate_path::CratePath;
use crate::errors::Errors;
use crate::expand;
use crate::test_fn::TestFn;

fn check_description(options: TokenStream, expected: &Expect) {
    let mut errors = Errors::default();
    let options = Options::parse(options, &mut errors);
    let db_test = CratePath::find(options.crate_path.as_ref(), &mut errors);
    assert!(errors.is_empty());
    let test = TestFn(syn::parse_quote!(
        async fn starts() {}
    ));
    let description = expand::description(&test, &options, &db_test);
    check(quote!(const TEST: Test = #description;), expected);
}

#[test]
fn options_describe_the_test() {
    let options = quote!(
        timeout = "2m",
        isolation = "database",
        overrides = crate::admin,
        session = sessions::small::<A, B>,
    );
    check_description(
        options,
        &expect![[r#"
        const TEST: Test = ::db_test::macro_support::Test::new(
                ::core::concat!(::core::module_path!(), "::starts"),
                ::core::env!("CARGO_MANIFEST_DIR"),
            )
            .session(sessions::small::<A, B>)
            .overrides(crate::admin)
            .timeout(::core::time::Duration::from_millis(120000))
            .own_database();
    "#]],
    );
}

#[test]
fn fixtures_are_embedded() {
    let options = quote!(fixtures("users", "../sql/posts.sql"));
    check_description(
        options,
        &expect![[r#"
        const TEST: Test = ::db_test::macro_support::Test::new(
                ::core::concat!(::core::module_path!(), "::starts"),
                ::core::env!("CARGO_MANIFEST_DIR"),
            )
            .fixtures(
                ::core::file!(),
                &[
                    ("fixtures/users.sql", ::core::include_str!("fixtures/users.sql")),
                    ("../sql/posts.sql", ::core::include_str!("../sql/posts.sql")),
                ],
            );
    "#]],
    );
}

#[test]
fn limits_are_constants() {
    let options = quote!(timeout = LIMIT, max_queries = limits::OF_A_TEST * 2);
    check_description(
        options,
        &expect![[r#"
            const TEST: Test = ::db_test::macro_support::Test::new(
                    ::core::concat!(::core::module_path!(), "::starts"),
                    ::core::env!("CARGO_MANIFEST_DIR"),
                )
                .timeout(LIMIT)
                .max_queries(limits::OF_A_TEST * 2);
        "#]],
    );
}

#[test]
fn limits_are_numbers() {
    let options = quote!(max_queries = 7, max_queries_per_request = 3);
    check_description(
        options,
        &expect![[r#"
        const TEST: Test = ::db_test::macro_support::Test::new(
                ::core::concat!(::core::module_path!(), "::starts"),
                ::core::env!("CARGO_MANIFEST_DIR"),
            )
            .max_queries(7)
            .max_queries_per_request(3);
    "#]],
    );
}
