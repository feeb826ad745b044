use db_test::Session;

#[db_test::session]
fn session(url: String) -> Session {
    drop(url);
    Session::postgres()
}

fn main() {}
