#[db_test::overridable]
struct CurrentUser;

fn main() {}
