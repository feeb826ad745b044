use db_test::db_test;

#[db_test(session = || Session::postgres())]
async fn starts() {}

fn main() {}
