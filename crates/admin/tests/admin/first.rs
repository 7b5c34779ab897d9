//! A store that nobody has used yet gets its first operator, once.

use std::sync::Arc;

use admin::{Admin, Error};
use model::Clock;
use store::{Commit, Location, Store};
use tempfile::TempDir;

use crate::{
    house::{caller, commit},
    plane::TestPlane,
};

const FIRST: &str = "kind: service\nowner: x\nprofiles:\n  default: {roles: [admin]}\n";

fn first() -> Commit {
    commit(&[("clients/operator.yaml", FIRST)])
}

async fn door(location: &Location) -> (Admin, Arc<TestPlane>, Store) {
    let store = Store::open(location).await.unwrap();
    let plane = TestPlane::new();
    let admin = Admin::new(Some(store.clone()), plane.clone(), None, Clock::system()).unwrap();
    assert_eq!(admin.start().await.unwrap(), 0);
    (admin, plane, store)
}

#[tokio::test]
async fn the_first_operator_is_in_force_at_once_and_there_is_no_second_first() {
    let (admin, plane, store) = door(&Location::Memory).await;
    assert!(plane.reach(&caller("operator/default"), "put_role").is_none());
    assert_eq!(admin.begin(&first()).await.unwrap(), 1);
    assert!(plane.reach(&caller("operator/default"), "put_role").is_some());
    let second = commit(&[("clients/second.yaml", FIRST)]);
    let error = admin.begin(&second).await.unwrap_err();
    assert!(matches!(error, Error::InUse), "{error}");
    assert_eq!((store.head().await.unwrap(), plane.revisions()), (1, vec![0, 1]));
}

#[tokio::test]
async fn of_two_doors_on_one_store_one_makes_the_first_operator() {
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("onedoor.db"));
    let (one, ..) = door(&location).await;
    let (other, plane, _) = door(&location).await;
    let (of_one, of_other) = (first(), first());
    let (first, second) = tokio::join!(one.begin(&of_one), other.begin(&of_other));
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    let error = first.and(second).unwrap_err();
    assert!(matches!(error, Error::InUse), "{error}");
    assert!(plane.revisions().len() <= 2);
}

#[tokio::test]
async fn a_first_revision_that_cannot_be_in_force_is_not_stored() {
    let (admin, plane, store) = door(&Location::Memory).await;
    let broken = commit(&[("clients/anonymous.yaml", FIRST)]);
    let error = admin.begin(&broken).await.unwrap_err();
    assert!(matches!(error, Error::Uncompilable { revision: 1, .. }), "{error}");
    assert_eq!((store.head().await.unwrap(), plane.revisions()), (0, vec![0]));
    admin.begin(&first()).await.unwrap();
}
