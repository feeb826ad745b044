//! SeaORM on the sandbox's pool.

use db_test::{BoxError, FromTest, TestContext, db_test};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseConnection, EntityTrait, PaginatorTrait,
    SqlxPostgresConnector, TransactionTrait,
};

mod users {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub password: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// SeaORM's connection, as an argument of tests.
struct Orm(DatabaseConnection);

impl FromTest for Orm {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let pool = cx.get().await?;
        Ok(Self(SqlxPostgresConnector::from_sqlx_postgres_pool(pool)))
    }
}

fn ada() -> users::ActiveModel {
    users::ActiveModel {
        name: Set("ada".to_owned()),
        password: Set("engine".to_owned()),
        ..Default::default()
    }
}

#[db_test]
async fn an_entity_is_saved_and_found(Orm(db): Orm) -> Result<(), BoxError> {
    let saved = ada().insert(&db).await?;
    let found = users::Entity::find_by_id(saved.id).one(&db).await?;
    assert_eq!(found, Some(saved));
    Ok(())
}

#[db_test]
async fn a_transaction_commits_and_rolls_back(Orm(db): Orm) -> Result<(), BoxError> {
    let tx = db.begin().await?;
    ada().insert(&tx).await?;
    tx.commit().await?;
    let tx = db.begin().await?;
    users::Entity::delete_many().exec(&tx).await?;
    tx.rollback().await?;
    assert_eq!(users::Entity::find().count(&db).await?, 1);
    Ok(())
}

#[db_test]
async fn a_failed_insert_fails_alone(Orm(db): Orm) -> Result<(), BoxError> {
    ada().insert(&db).await?;
    ada().insert(&db).await.expect_err("the name is taken");
    assert_eq!(users::Entity::find().count(&db).await?, 1);
    Ok(())
}
