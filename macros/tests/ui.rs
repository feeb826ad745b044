//! One mistake a file, and what the compiler says about it. `TRYBUILD=overwrite` blesses new texts.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
