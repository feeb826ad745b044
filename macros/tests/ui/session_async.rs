use db_test::Session;

#[db_test::session]
async fn session() -> Session {
    Session::postgres()
}

fn main() {}
