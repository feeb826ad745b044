//! The stages of `#[db_test]` in order: parse, validate, expand or fall back.

use proc_macro2::TokenStream;

use crate::args::Options;
use crate::crate_path::CratePath;
use crate::errors::Errors;
use crate::test_fn::TestFn;
use crate::{expand, fallback, fragment, rstest, validate};

/// Turns the options and the item of `#[db_test]` into a test, or into their mistakes.
pub(crate) fn test(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let written = options.clone();
    let options = Options::parse(options, &mut errors);
    let test = match syn::parse2(fragment::tokens(item.clone())) {
        Ok(function) => TestFn(function),
        Err(error) => {
            errors.push(error);
            return fallback::item(item, &errors);
        }
    };
    validate::test(&test, &mut errors);
    let db_test = CratePath::find(options.crate_path.as_ref(), &mut errors);
    if !errors.is_empty() {
        fallback::test(test, &errors)
    } else if test.is_under_rstest() {
        rstest::expand(test.0, &fragment::parenthesized(written), &db_test)
    } else {
        expand::test(&test, &options, &db_test)
    }
}
