use db_test::{Client, db_test};

#[db_test]
async fn reads(client: &mut Client) {
    let _ = client;
}

fn main() {}
