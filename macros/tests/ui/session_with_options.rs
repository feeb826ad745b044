use db_test::Session;

#[db_test::session(timeout = "5s")]
fn session() -> Session {
    Session::postgres()
}

fn main() {}
