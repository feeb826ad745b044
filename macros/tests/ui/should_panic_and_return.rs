use db_test::db_test;

#[db_test]
#[should_panic]
async fn fails() -> Result<(), String> {
    Ok(())
}

fn main() {}
