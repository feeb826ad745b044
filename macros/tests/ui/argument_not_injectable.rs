use db_test::db_test;

#[db_test]
async fn reads(name: String) {
    drop(name);
}

fn main() {}
