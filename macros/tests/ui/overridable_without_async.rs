trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

#[derive(Clone)]
struct CurrentUser;

#[db_test::overridable]
impl<S> FromRequestParts<S> for CurrentUser {
    type Rejection = ();

    fn from_request_parts(
        _: &mut http::request::Parts,
        _: &S,
    ) -> impl Future<Output = Result<Self, ()>> + Send {
        async { Ok(CurrentUser) }
    }
}

fn main() {}
