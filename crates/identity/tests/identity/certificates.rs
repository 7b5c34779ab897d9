//! A client certificate leads to its one profile, and to nobody where no credential knows it.

use identity::{Directory, Presented, Sender};
use model::{
    Caller, CertificateMatch, CertificateName, ClientCertificate, CredentialState, ProfileId,
    Refusal, Timestamp,
};
use std::sync::Arc;

use crate::house::{House, NOW, PEER, refused, sender};

fn certificate() -> ClientCertificate {
    ClientCertificate {
        thumbprint: [1; 32],
        is_trusted: true,
        subject: "CN=shop,O=Example".to_owned(),
        names: vec![
            CertificateName::Dns("Shop.example".to_owned()),
            CertificateName::Uri("spiffe://example/shop".to_owned()),
        ],
        expires: Timestamp::from_seconds(NOW + 60),
    }
}

fn dns() -> CertificateMatch {
    CertificateMatch::Dns("shop.example".to_owned())
}

async fn show(
    house: &House,
    directory: &Directory,
    certificate: &ClientCertificate,
) -> Result<Arc<Caller>, Refusal> {
    let sender = Sender { certificate: Some(certificate), ..sender(PEER) };
    house.shown(directory, Presented::Nothing, &sender).await
}

#[tokio::test]
async fn a_certificate_that_a_credential_knows_is_its_holder_without_anything_else() {
    for mark in [
        CertificateMatch::Thumbprint([1; 32]),
        CertificateMatch::Subject("CN=shop,O=Example".to_owned()),
        CertificateMatch::Uri("spiffe://example/shop".to_owned()),
        dns(),
    ] {
        let mut house = House::new();
        house.certificate("shop-cert", mark.clone());
        let directory = house.directory();
        let caller = show(&house, &directory, &certificate()).await.unwrap();
        assert_eq!(caller.credential.as_ref().map(|it| it.as_str()), Some("shop-cert"));
        assert_eq!(caller.profile.to_string(), "shop/main", "{mark:?}");
        let used = directory.take_uses();
        assert!(used.iter().any(|(id, _)| id.as_str() == "shop-cert"), "{used:?}");
        let other = ClientCertificate {
            thumbprint: [2; 32],
            is_trusted: true,
            subject: "CN=shop".to_owned(),
            names: vec![CertificateName::Dns("other.shop.example".to_owned())],
            ..certificate()
        };
        assert!(show(&house, &directory, &other).await.unwrap().is_anonymous());
        let without = house.shown(&directory, Presented::Nothing, &sender(PEER)).await;
        assert!(without.unwrap().is_anonymous());
    }
}

#[tokio::test]
async fn a_credential_in_the_request_counts_and_not_the_certificate_beside_it() {
    let mut house = House::new();
    house.certificate("shop-cert", dns());
    let key = house.api_key("shop-key");
    let (directory, certificate) = (house.directory(), certificate());
    let sender = Sender { certificate: Some(&certificate), ..sender(PEER) };
    let caller = house.shown(&directory, Presented::ApiKey(&key), &sender).await.unwrap();
    assert_eq!(caller.credential.as_ref().map(|it| it.as_str()), Some("shop-key"));
    let wrong = house.shown(&directory, Presented::ApiKey("odk_wrong"), &sender).await;
    refused(wrong, "form or the checksum", "");
}

#[tokio::test]
async fn a_certificate_of_two_profiles_leads_to_none_and_a_revoked_one_to_nobody_else() {
    let mut house = House::new();
    let mut other = house.clients[0].profiles[0].clone();
    other.id = ProfileId::parse("shop/other").unwrap();
    house.clients[0].profiles.push(other.clone());
    house.certificate("cert-1", dns()).state = CredentialState::Revoked;
    refused(show(&house, &house.directory(), &certificate()).await, "\"cert-1\" is revoked", "");
    house.certificate("cert-2", CertificateMatch::Thumbprint([1; 32])).profile = other.id.clone();
    let got = show(&house, &house.directory(), &certificate()).await;
    refused(got, "credentials of two profiles", "");
    // Of one profile, the one that is good is: so they overlap while one is rotated.
    house.credentials[1].profile = ProfileId::parse("shop/main").unwrap();
    let caller = show(&house, &house.directory(), &certificate()).await.unwrap();
    assert_eq!(caller.credential.as_ref().map(|it| it.as_str()), Some("cert-2"));
    house.credentials[1].expires = Timestamp::from_seconds(NOW);
    let got = show(&house, &house.directory(), &certificate()).await;
    assert!(got.is_err());
}

#[tokio::test]
async fn of_two_that_know_one_certificate_the_successor_is_used() {
    let mut house = House::new();
    house.certificate("old", CertificateMatch::Thumbprint([1; 32])).state =
        CredentialState::Retiring;
    house.certificate("new", dns());
    let directory = house.directory();
    let caller = show(&house, &directory, &certificate()).await.unwrap();
    assert_eq!(caller.credential.as_ref().map(|it| it.as_str()), Some("new"));
    let [(used, _)] = directory.take_uses().try_into().unwrap();
    assert_eq!(used.as_str(), "new");
}

#[tokio::test]
async fn the_next_directory_knows_certificates_as_they_are_declared_then() {
    let mut house = House::new();
    house.certificate("cert-1", dns());
    let first = house.directory();
    assert!(!show(&house, &first, &certificate()).await.unwrap().is_anonymous());
    house.credentials[0].state = CredentialState::Revoked;
    let second = house.next(&first);
    refused(show(&house, &second, &certificate()).await, "is revoked", "");
    house.credentials.clear();
    let third = house.next(&second);
    assert!(show(&house, &third, &certificate()).await.unwrap().is_anonymous());
    house.certificate("cert-1", dns());
    house.clients[0].is_enabled = false;
    let fourth = house.next(&third);
    refused(show(&house, &fourth, &certificate()).await, "is disabled", "");
    house.clients[0].is_enabled = true;
    let fifth = house.next(&fourth);
    assert!(!show(&house, &fifth, &certificate()).await.unwrap().is_anonymous());
}
