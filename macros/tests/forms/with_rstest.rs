//! The forms that a test under rstest may have, in both orders of the attributes.

use db_test_macros::db_test;
use rstest::{fixture, rstest};

use super::{Ada, macro_support::TestContext, renamed};

#[fixture]
fn grace(#[default("grace")] name: &'static str) -> Ada {
    Ada { name }
}

#[rstest]
#[case(1)]
#[case(2)]
#[test_attr(db_test(timeout = "5s"))]
async fn below_by_test_attr(#[case] number: u8, #[ignore] ada: Ada, grace: Ada) {
    assert!(number > 0);
    assert_eq!((ada.name, grace.name), ("ada", "grace"));
}

#[rstest]
#[case(1)]
#[case(2)]
#[renamed::test]
async fn below_by_a_name_that_rstest_knows(#[case] number: u8, #[ignore] ada: Ada, grace: Ada) {
    assert!(number > 0);
    assert_eq!((ada.name, grace.name), ("ada", "grace"));
}

#[db_test(timeout = "5s", fixtures("users"))]
#[rstest]
#[case("one", 1_u8)]
#[case::named("two", 2_u8)]
async fn above(#[case] name: &str, #[case] length: impl Into<usize>, mut cx: TestContext) {
    assert_eq!(name.len(), 3);
    assert!(length.into() > 0);
    assert!(super::name_of(&mut cx).starts_with("forms::with_rstest::above::case_"));
    assert!(cx.test.timeout.is_some());
    assert_eq!(cx.test.fixtures.len(), 1);
}

#[db_test]
#[rstest]
async fn above_values(#[values(1, 2)] left: u8, #[values(3, 4)] right: u8, ada: Ada) {
    assert!(left < right);
    assert_eq!(ada.name, "ada");
}

#[db_test]
#[rstest]
async fn above_fixtures(
    #[from(grace)] renamed: Ada,
    #[with("linus")] grace: Ada,
    #[ignore] ada: Ada,
    #[allow(unused_variables, reason = "lint levels say nothing of the source")] cx: TestContext,
) {
    assert_eq!(
        (renamed.name, grace.name, ada.name),
        ("grace", "linus", "ada")
    );
}

#[db_test]
#[rstest(number, case(1), case(2))]
async fn above_a_list(number: u8, ada: Ada) {
    assert!(number > 0);
    assert_eq!(ada.name, "ada");
}

#[db_test]
#[rstest]
#[case(1)]
#[should_panic = "as expected"]
async fn above_an_expected_panic(#[case] number: u8, cx: TestContext) {
    assert!(cx.test.should_panic);
    assert!(number == 0, "as expected");
}

#[db_test]
#[rstest]
#[case("1")]
async fn above_a_value(#[case] text: &str) -> Result<(), std::num::ParseIntError> {
    text.parse::<u8>()?;
    Ok(())
}
