// macros/tests/ui/argument_not_injectable.stderr: struct Argument(String);
// macros/tests/ui/argument_not_injectable.stderr: db_test::FromTest
// macros/tests/ui/borrowed_what_cannot_be_owned.stderr: name: Argument
use db_test::{BoxError, TestContext, db_test};

struct Argument(String);

impl db_test::FromTest for Argument {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(String::new()))
    }
}

#[db_test]
async fn reads(name: Argument) {
    assert!(name.0.is_empty());
}
