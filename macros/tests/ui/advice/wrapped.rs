// macros/tests/ui/argument_not_injectable.stderr: struct Argument(u32);
// macros/tests/ui/argument_not_injectable.stderr: db_test::FromTest
// macros/tests/ui/borrowed_what_cannot_be_owned.stderr: name: Argument
use db_test::{BoxError, TestContext, db_test};

struct Argument(u32);

impl db_test::FromTest for Argument {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(7))
    }
}

#[db_test]
async fn reads(name: Argument) {
    assert_eq!(name.0, 7);
}
