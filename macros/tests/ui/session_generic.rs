use db_test::Session;

#[db_test::session]
fn session<T>() -> Session {
    Session::postgres()
}

fn main() {}
