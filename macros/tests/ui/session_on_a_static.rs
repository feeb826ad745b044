use db_test::Session;

#[db_test::session]
static SESSION: Option<Session> = None;

fn main() {}
