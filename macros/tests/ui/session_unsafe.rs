use db_test::Session;

#[db_test::session]
unsafe fn session() -> Session {
    Session::postgres()
}

fn main() {}
