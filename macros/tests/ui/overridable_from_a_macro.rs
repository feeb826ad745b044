trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

#[derive(Clone)]
struct CurrentUser;

macro_rules! members {
    ($S:ty) => {
        type Rejection = ();

        async fn from_request_parts(_: &mut http::request::Parts, _: &$S) -> Result<Self, ()> {
            Ok(CurrentUser)
        }
    };
}

#[db_test::overridable]
impl<S: Sync> FromRequestParts<S> for CurrentUser {
    members!(S);
}

fn main() {}
