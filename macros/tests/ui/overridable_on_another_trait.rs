trait FromRequest<S> {}

struct Upload;

#[db_test::overridable]
impl<S> FromRequest<S> for Upload {}

fn main() {}
