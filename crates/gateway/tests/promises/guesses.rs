//! Who shows wrong credentials is slowed down, and nobody else: a good one gets in from everywhere.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use testkit::{Answer, House};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{shop, signer::Signer};

const ISSUER: &str = "https://login.example";
/// As many wrong ones of one source are refused as such.
const BURST: usize = 100;

async fn shop() -> House {
    shop::builder().open().await.expect("the shop has no faults")
}

async fn by_rest(house: &House, credential: &str) -> Answer {
    let bearer = format!("Bearer {credential}");
    house.client.send("GET", "/shop/items/7", &[("authorization", &bearer)], "").await
}

async fn by_mcp(house: &House, credential: &str) -> Answer {
    house.client.call_tool(credential, "shop_get_item", &json!({"id": "7"})).await
}

#[tokio::test]
async fn wrong_keys_are_slowed_down_on_both_surfaces_and_a_good_one_gets_in() {
    let house = shop().await;
    for number in 0..BURST / 2 {
        assert_eq!(by_rest(&house, &format!("odk_{number}")).await.status, 401);
        assert_eq!(by_mcp(&house, &format!("odk_{number}")).await.status, 401);
    }
    for answer in [by_rest(&house, "odk_x").await, by_mcp(&house, "odk_x").await] {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("www-authenticate"), "");
        assert!(answer.header("ratelimit").starts_with("\"wrong-credentials\""), "{answer:?}");
    }
    let key = house.key("app/reader");
    assert_eq!(by_rest(&house, key).await.status, 200);
    assert!(by_mcp(&house, key).await.json()["result"].is_object());
    // Nobody is kept from finding out how to get in.
    assert_eq!(by_rest(&house, "").await.status, 400);
    assert_eq!(house.client.send("GET", "/shop/items/7", &[], "").await.status, 401);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(by_rest(&house, "odk_x").await.status, 401, "one more in a second");
    assert_eq!(by_rest(&house, "odk_x").await.status, 429);
}

#[tokio::test]
async fn a_flood_is_recorded_as_one_with_how_many_it_was() {
    let house = shop().await;
    for number in 0..BURST + 30 {
        by_rest(&house, &format!("odk_{number}")).await;
    }
    let records = house.records();
    assert_eq!(records.len(), BURST + 1);
    // On the disk before the first of them is answered: so none is lost with the process.
    assert_eq!(records[BURST]["event"], "credentials.wrong");
    let told = of_flood(&records[BURST]);
    assert!(told.starts_with("wrong credentials from 127.0.0.1 are refused without"), "{told}");
    house.clock.advance(Duration::from_secs(60));
    by_rest(&house, "odk_x").await;
    let records = house.records();
    let told = of_flood(&records[BURST + 1]);
    assert!(told.starts_with("30 wrong credentials from 127.0.0.1 were refused"), "{told}");
    assert_eq!(records.len(), BURST + 3, "and who comes after it has a record");
}

/// The note of a record of a flood from this machine.
fn of_flood(record: &Value) -> &str {
    let shown = ["kind", "event", "peer", "reason", "limit", "status"].map(|it| record[it].clone());
    let want = ["event", "credentials.wrong", "127.0.0.1", "limit_reached", "wrong-credentials"];
    assert_eq!(shown[..5], want.map(Value::from), "{record}");
    assert_eq!(shown[5], 429, "{record}");
    record["note"].as_str().expect("it says what it is")
}

#[tokio::test]
async fn no_flood_is_answered_that_could_not_be_recorded() {
    let house = shop().await;
    for number in 0..BURST {
        assert_eq!(by_rest(&house, &format!("odk_{number}")).await.status, 401);
    }
    house.log.fail_syncs();
    assert_eq!(by_rest(&house, "odk_x").await.status, 503);
    house.log.mend();
    house.clock.advance(Duration::from_millis(200));
    let before = house.records().len();
    assert_eq!(by_rest(&house, "odk_x").await.status, 429);
    let records = house.records();
    assert!(of_flood(&records[before]).contains("from now on"), "it is tried again");
}

#[tokio::test]
async fn tokens_are_counted_alike_and_one_that_has_ended_hears_that() {
    let signer = Signer::new();
    let keys = json!({"keys": [signer.jwk()]});
    let issuer =
        format!("issuer: {ISSUER}\njwks: {keys}\naudiences: [door]\nalgorithms: [EdDSA]\n");
    let house = shop::builder()
        .file("issuers/login.yaml", &issuer)
        .file(
            "credentials/people.yaml",
            "profile: app/reader\nkind: external\nissuer: login\nclaims: {azp: shop}\n\
             expires: 2027-12-31\n",
        )
        .open()
        .await
        .expect("the shop has no faults");
    let now = house.clock.now().as_seconds();
    let token = |signer: &Signer, exp: i64| {
        let claims = json!({"iss": ISSUER, "aud": "door", "azp": "shop", "sub": "ann", "exp": exp});
        signer.sign(&json!({"typ": "at+jwt", "alg": "EdDSA"}), &claims)
    };
    let stranger = Signer::new();
    for number in 0..BURST {
        let exp = now + 600 + i64::try_from(number).unwrap();
        assert_eq!(by_rest(&house, &token(&stranger, exp)).await.status, 401);
    }
    assert_eq!(by_rest(&house, &token(&stranger, now + 60)).await.status, 429);
    assert_eq!(by_mcp(&house, "never-heard-of").await.status, 429);
    let before = house.records().len();
    let ended = by_rest(&house, &token(&signer, now - 60)).await;
    assert_eq!(ended.status, 401, "its holder has to get another");
    assert!(ended.header("www-authenticate").contains("invalid_token"));
    assert_eq!(house.records().len(), before, "it is counted with the others");
    let good = token(&signer, now + 600);
    assert_eq!(by_rest(&house, &good).await.status, 200, "though it was never seen before");
    assert!(by_mcp(&house, &good).await.json()["result"].is_object());
}

/// Sends 10,000 wrong keys over some connections, from so many sources by turns: how many were answered
/// with which status.
async fn guess(house: &House, sources: usize) -> BTreeMap<u16, usize> {
    let mut connections = JoinSet::new();
    for part in 0..4 {
        let address = house.address;
        connections.spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            let mut tasks = JoinSet::new();
            tasks.spawn(connection);
            let mut statuses = Vec::new();
            for number in (part..10_000).step_by(4) {
                let source = number % sources;
                let from = format!("203.0.{}.{}", source / 250, source % 250);
                let request = Request::get("/shop/items/7")
                    .header("host", "localhost")
                    .header("x-forwarded-for", from)
                    .header("x-api-key", format!("odk_{number}"))
                    .body(Empty::<Bytes>::new())
                    .unwrap();
                sender.ready().await.unwrap();
                let answer = sender.send_request(request).await.unwrap();
                statuses.push(answer.status().as_u16());
                answer.into_body().collect().await.unwrap();
            }
            statuses
        });
    }
    let mut tally = BTreeMap::new();
    for status in connections.join_all().await.into_iter().flatten() {
        *tally.entry(status).or_default() += 1;
    }
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_guesses_from_one_source_and_from_a_thousand_are_throttled() {
    for (sources, looked_at) in [(1, BURST), (1000, 1000)] {
        let house = shop::builder()
            .set(|it| it.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
            .open()
            .await
            .expect("the shop has no faults");
        let tally = guess(&house, sources).await;
        assert_eq!(tally, BTreeMap::from([(401, looked_at), (429, 10_000 - looked_at)]));
        assert_eq!(house.records().len(), looked_at + 1, "{sources}");
        let key = house.key("app/reader");
        assert_eq!(by_rest(&house, key).await.status, 200, "{sources}");
        assert_eq!(house.recorder.take().len(), 1);
    }
}

#[tokio::test]
async fn a_call_that_loses_its_credential_on_the_way_has_an_outcome_in_a_flood_too() {
    let mut house = shop().await;
    for number in 0..=BURST {
        by_rest(&house, &format!("odk_{number}")).await;
    }
    let (client, path) = (house.client, house.key_path("app/reader"));
    let bearer = format!("Bearer {}", house.key("app/reader"));
    let mut calls = JoinSet::new();
    calls.spawn(async move {
        client.send("GET", "/shop/items/hang", &[("authorization", &*bearer)], "").await
    });
    house.recorder.has_begun(1).await;
    house.remove(&path, 2).expect("no faults");
    let answer = calls.join_next().await.expect("it was called").expect("it was answered");
    assert_eq!(answer.status, 401, "it was good when it came: {}", answer.text());
    assert_eq!(house.log.intents().len(), 1);
    let records = house.records();
    let ended: Vec<_> = records.iter().filter(|it| it["client"] == "app").collect();
    let [ended] = ended[..] else { panic!("one outcome: {ended:?}") };
    assert_eq!((&ended["outcome"], &ended["status"]), (&json!("refused"), &json!(401)));
    assert!(ended["upstream"].is_string(), "it was sent: {ended}");
    assert_eq!(by_rest(&house, "odk_x").await.status, 429, "and the flood goes on");
}

#[tokio::test]
async fn what_was_taken_back_is_no_guess() {
    let mut house = shop().await;
    let (path, key) = (house.key_path("app/reader"), house.key("app/reader").to_owned());
    let revoked = format!("{}state: revoked\n", house.file(&path));
    house.change(&path, &revoked, 2).expect("no faults");
    for _ in 0..BURST + 5 {
        assert_eq!(by_rest(&house, &key).await.status, 401);
    }
    let causes = house.records().into_iter().map(|it| it["cause"].clone());
    assert_eq!(causes.filter(|it| *it != Value::Null).count(), BURST + 5);
}
