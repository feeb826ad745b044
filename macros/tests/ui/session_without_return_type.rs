use db_test::Session;

#[db_test::session]
fn session() {
    let _ = Session::postgres();
}

fn main() {}
