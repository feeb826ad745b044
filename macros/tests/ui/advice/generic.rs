// macros/tests/ui/derive_on_a_generic_struct.stderr: impl FromTest for With<…>
use db_test::{BoxError, Client, FromTest, TestContext, db_test};

struct With<T>(T);

impl FromTest for With<Client> {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(Self(cx.get().await?))
    }
}

#[db_test]
async fn reads(with: With<Client>) {
    drop(with.0);
}
