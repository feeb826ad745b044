struct CurrentUser;

#[db_test::overridable]
impl CurrentUser {
    fn name(&self) -> &str {
        "ada"
    }
}

fn main() {}
