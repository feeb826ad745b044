//! A worker with `SKIP LOCKED`.

use db_test::{Session, db_test};
use sqlx::{PgConnection, PgPool};

fn jobs() -> Session {
    Session::postgres().seed_sql(
        "create table jobs (id bigint primary key, done boolean not null default false);
         insert into jobs (id) values (1), (2)",
    )
}

/// Takes the first job that nobody else has; it is this transaction's until that ends.
async fn take(transaction: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let next = "select id from jobs where not done order by id limit 1 for update skip locked";
    sqlx::query_scalar(next).fetch_optional(transaction).await
}

async fn finish(transaction: &mut PgConnection, job: i64) -> sqlx::Result<()> {
    let done = sqlx::query("update jobs set done = true where id = $1");
    done.bind(job).execute(transaction).await?;
    Ok(())
}

/// What one worker does is tested in the transaction, like everything else.
#[db_test(session = jobs)]
async fn a_job_that_is_done_is_not_taken_again(pool: PgPool) -> sqlx::Result<()> {
    for expected in [Some(1), Some(2), None] {
        let mut transaction = pool.begin().await?;
        let job = take(&mut transaction).await?;
        assert_eq!(job, expected);
        if let Some(job) = job {
            finish(&mut transaction, job).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Locks of two connections need two connections of the server: a database of the test's own.
#[db_test(session = jobs, isolation = "database")]
async fn two_workers_take_different_jobs(pool: PgPool) -> sqlx::Result<()> {
    let mut first = pool.begin().await?;
    let mut second = pool.begin().await?;
    assert_eq!(take(&mut first).await?, Some(1));
    assert_eq!(take(&mut second).await?, Some(2));
    first.rollback().await?;
    let mut third = pool.begin().await?;
    assert_eq!(take(&mut third).await?, Some(1));
    Ok(())
}
