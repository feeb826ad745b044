use db_test::{Client, db_test};

struct Users;

impl Users {
    #[db_test]
    async fn creates_a_user(&self, client: Client) {
        drop(client);
    }
}

fn main() {}
