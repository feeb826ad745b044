trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

#[derive(Clone)]
struct CurrentUser;

#[db_test::overridable(CurrentUser)]
impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = ();

    async fn from_request_parts(_: &mut http::request::Parts, _: &S) -> Result<Self, ()> {
        Ok(CurrentUser)
    }
}

fn main() {}
