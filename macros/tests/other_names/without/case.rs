use harness::{Session, db_test};

#[db_test]
async fn starts() {}

#[harness::session]
fn session() -> Session {
    Session::postgres()
}

fn main() {}
