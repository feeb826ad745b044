use db_test::{Client, db_test};

#[db_test(timeout = 5, overides = admin)]
#[test]
fn creates_a_user<T>(client: &Client, value: T)
where
    T: Send,
{
    async { drop((client, value)) }.await;
}

fn main() {}
