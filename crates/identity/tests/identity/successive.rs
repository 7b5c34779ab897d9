//! A directory made from the one before says the same as one made from nothing.

use std::sync::Arc;

use identity::{Declared, Directory, Presented};
use jsonwebtoken::Algorithm;
use model::{Client, Credential, CredentialState, Issuer, ProfileId, Timestamp};
use proptest::prelude::*;

use crate::{
    house::{AUD, House, NOW, PEER, client, sender},
    signer::{Signer, claims},
};

/// What is declared at one time, shared with what is declared next.
#[derive(Clone)]
struct State {
    clients: Vec<Arc<Client>>,
    credentials: Vec<Arc<Credential>>,
    issuers: Vec<Arc<Issuer>>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A credential is revoked, comes back, moves to the other client, or gets another's proof.
    Revoke(prop::sample::Index),
    Restore(prop::sample::Index),
    Move(prop::sample::Index),
    SwapProofs(prop::sample::Index, prop::sample::Index),
    Remove(prop::sample::Index),
    Toggle(prop::sample::Index),
    RenameIssuer,
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        any().prop_map(Step::Revoke),
        any().prop_map(Step::Restore),
        any().prop_map(Step::Move),
        (any(), any()).prop_map(|(a, b)| Step::SwapProofs(a, b)),
        any().prop_map(Step::Remove),
        any().prop_map(Step::Toggle),
        Just(Step::RenameIssuer),
    ]
}

impl State {
    fn of(house: &House) -> Self {
        let mut credentials: Vec<_> = house.credentials.iter().cloned().map(Arc::new).collect();
        credentials.sort_by(|a, b| a.id.cmp(&b.id));
        Self {
            clients: house.clients.iter().cloned().map(Arc::new).collect(),
            credentials,
            issuers: house.issuers.iter().cloned().map(Arc::new).collect(),
        }
    }

    fn take(&mut self, step: Step, all: &Self) {
        let credentials = &mut self.credentials;
        match step {
            Step::Restore(index) => {
                let lost = index.get(&all.credentials);
                let place = credentials.binary_search_by(|it| it.id.cmp(&lost.id));
                let (Ok(place) | Err(place)) = place;
                credentials.retain(|it| it.id != lost.id);
                credentials.insert(place, Arc::clone(lost));
            }
            Step::Toggle(index) => {
                let index = index.index(self.clients.len());
                let client = Arc::make_mut(&mut self.clients[index]);
                client.is_enabled = !client.is_enabled;
            }
            Step::RenameIssuer => {
                let issuer = Arc::make_mut(&mut self.issuers[0]);
                issuer.audiences = if issuer.audiences.len() == 1 {
                    vec![AUD.into(), "https://other.example".into()]
                } else {
                    vec![AUD.into()]
                };
            }
            Step::Revoke(_) | Step::Move(_) | Step::SwapProofs(..) | Step::Remove(_)
                if credentials.is_empty() => {}
            Step::Revoke(index) => {
                let index = index.index(credentials.len());
                Arc::make_mut(&mut credentials[index]).state = CredentialState::Revoked;
            }
            Step::Move(index) => {
                let index = index.index(credentials.len());
                let credential = Arc::make_mut(&mut credentials[index]);
                let to =
                    if credential.profile.client() == "shop" { "team/main" } else { "shop/main" };
                credential.profile = ProfileId::parse(to).unwrap();
            }
            Step::SwapProofs(one, other) => {
                let (one, other) = (one.index(credentials.len()), other.index(credentials.len()));
                let proof = credentials[one].proof.clone();
                let proof =
                    std::mem::replace(&mut Arc::make_mut(&mut credentials[other]).proof, proof);
                Arc::make_mut(&mut credentials[one]).proof = proof;
            }
            Step::Remove(index) => {
                let index = index.index(credentials.len());
                credentials.remove(index);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_next_directory_is_the_new_one(steps in prop::collection::vec(step(), 1..24)) {
        let signer = Signer::new(Algorithm::EdDSA);
        let mut house = House::trusting(&[signer.jwk()]);
        house.clients = vec![client("shop"), client("team")];
        let keys: Vec<_> = ["a", "b", "c", "d"].map(|it| house.api_key(it)).into();
        let token = signer.sign(&signer.header(), &claims());
        let all = State::of(&house);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ask = |directory: &Directory| -> Vec<String> {
            let now = Timestamp::from_seconds(NOW);
            let presented = keys.iter().map(|it| Presented::ApiKey(it));
            let presented = presented.chain([Presented::Token(&token)]);
            let asked = presented.map(|it| {
                runtime.block_on(directory.authenticate(&it, &sender(PEER), now))
            });
            let faults = directory.faults().iter().map(|it| it.message.clone());
            asked.map(|it| format!("{it:?}")).chain(faults).collect()
        };
        let declared = |it: &State| -> (Vec<_>, Vec<_>, Vec<_>) {
            (it.clients.clone(), it.credentials.clone(), it.issuers.clone())
        };
        let mut state = all.clone();
        let mut before: Option<Directory> = None;
        for step in steps {
            state.take(step, &all);
            let (clients, credentials, issuers) = declared(&state);
            let declared = Declared {
                clients: &clients,
                credentials: &credentials,
                issuers: &issuers,
                pepper: house.pepper.as_ref(),
                own: None,
            };
            let new = Directory::new(declared, &house.key_sets);
            let next = match &before {
                Some(before) => before.next(declared, &house.key_sets),
                None => Directory::new(declared, &house.key_sets),
            };
            prop_assert_eq!(ask(&next), ask(&new), "after {:?}", step);
            before = Some(next);
        }
    }
}
