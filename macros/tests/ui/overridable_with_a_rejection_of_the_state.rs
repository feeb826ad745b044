trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

trait State: Sync {
    type Error;
}

#[derive(Clone)]
struct CurrentUser;

#[db_test::overridable]
impl<S: State> FromRequestParts<S> for CurrentUser {
    type Rejection = S::Error;

    async fn from_request_parts(_: &mut http::request::Parts, _: &S) -> Result<Self, S::Error> {
        Ok(CurrentUser)
    }
}

fn main() {}
