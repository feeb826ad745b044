use db_test::{Client, db_test};

#[db_test]
fn creates_a_user(client: Client) {
    async { drop(client) }.await;
}

fn main() {}
