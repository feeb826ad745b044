use db_test::{FromTest, Session, db_test};

mod support {}

#[db_test(crate = support::db_test)]
async fn starts() {}

#[db_test::session(crate = support::db_test)]
fn session() -> Session {
    Session::postgres()
}

#[derive(FromTest)]
#[from_test(path = support::db_test)]
struct Nothing;

fn main() {}
