//! A folder that a person wrote is read as it was meant.

use std::{fs, path::Path};

use model::{Lifecycle, Measure, Proof, Surface};
use state::{Desired, Folder, Kind};

/// The files below `tests/shop`.
pub(crate) fn shop() -> Folder {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shop");
    let mut folder = Folder::new();
    let mut paths = vec![root.clone()];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            folder.insert(path, text).unwrap();
        }
    }
    folder
}

fn desired() -> Desired {
    state::read(&shop()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[test]
fn every_document_is_read_and_sorted() {
    let shop = desired();
    fn ids<'a, T: 'a>(items: &'a [T], id: fn(&'a T) -> &'a str) -> Vec<&'a str> {
        items.iter().map(id).collect()
    }
    let clients = ids(&shop.clients, |it| it.id.as_str());
    assert_eq!(clients, ["parcel-partner", "support-agent", "web-shop"]);
    assert_eq!(ids(&shop.collections, |it| it.id.as_str()), ["customers", "orders", "stock"]);
    assert_eq!(ids(&shop.roles, |it| it.id.as_str()), ["shop-buyer", "shop-reader"]);
    let limits = ids(&shop.limits, |it| it.id.as_str());
    assert_eq!(limits, ["anonymous", "everybody", "support-agent-day"]);
    assert_eq!(ids(&shop.issuers, |it| it.id.as_str()), ["build", "staff"]);
    assert_eq!(shop.credentials.len(), 3);
}

#[test]
fn clients_mean_what_they_say() {
    let shop = desired();
    let [partner, agent, web] = shop.clients.as_slice() else { panic!() };
    assert!(!partner.is_enabled && !partner.profiles[0].is_enabled && web.is_enabled);
    let live = &web.profiles[0];
    assert_eq!(live.id.as_str(), "web-shop/live");
    assert_eq!(live.surfaces, [Surface::Rest]);
    assert_eq!(live.networks[1].to_string(), "2001:db8:20::/48");
    assert_eq!(live.place.to_string(), "clients/web-shop.yaml:6");
    assert_eq!(agent.profiles[0].surfaces, [Surface::Mcp, Surface::Rest]);
    assert!(agent.description.as_deref().unwrap().ends_with("business.\n"));
}

#[test]
fn collections_mean_what_they_say() {
    let shop = desired();
    let [customers, orders, _] = shop.collections.as_slice() else { panic!() };
    assert_eq!((customers.state, orders.state), (Lifecycle::Draft, Lifecycle::Published));
    assert_eq!((&*customers.base, &*orders.base), ("/crm/customers", "/orders"));
    assert_eq!(orders.upstream.url, "http://127.0.0.1:9001/api");
    assert_eq!(orders.upstream.answer_timeout.as_secs(), 10);
    assert!(orders.overrides["health"].is_public && orders.overrides["reindex"].is_hidden);
    assert_eq!(orders.overrides["cancelOrder"].place.line, 10);
    assert_eq!(customers.select.as_ref().unwrap()[0].1.line, 5);
}

#[test]
fn an_openapi_document_is_a_file_or_stands_in_its_collection() {
    let shop = desired();
    let [customers, orders, stock] = shop.collections.as_slice() else { panic!() };
    assert_eq!(orders.document_place.to_string(), "documents/orders.yaml");
    assert_eq!(customers.document_place.to_string(), "collections/customers.yaml:6");
    assert_eq!(stock.document["info"]["title"], "Stock");
    let paths = &customers.document["paths"]["/customers/{id}"];
    assert_eq!(paths["get"]["responses"]["404"]["description"], "No such customer");
    // An alias in an OpenAPI document stands for what it names.
    let paths = &orders.document["paths"];
    assert_eq!(paths["/returns"]["get"]["parameters"], paths["/orders"]["get"]["parameters"]);
}

#[test]
fn limits_and_trust_mean_what_they_say() {
    let shop = desired();
    assert_eq!(shop.issuers[1].types, ["at+jwt", "jwt"]);
    let Measure::Rate(rate) = shop.limits[1].measure else { panic!() };
    assert_eq!((rate.count.get(), rate.burst.get()), (50, 200));
    let Proof::External { claims, .. } = &shop.credentials[0].proof else { panic!() };
    assert_eq!(claims["azp"], "support-agent");
}

#[test]
fn an_empty_folder_is_a_state_too() {
    assert_eq!(state::read(&Folder::new()), Ok(Desired::default()));
}

#[test]
fn what_is_written_looks_as_people_write_it() {
    let shop = desired();
    insta::assert_snapshot!(state::write_client(&shop.clients[2]), @r#"
    kind: app
    owner: web-team@shop.example
    description: The web site, in the name of the people who buy there.
    profiles:
      live:
        roles:
          - shop-buyer
        surfaces:
          - rest
        networks:
          - 10.20.0.0/16
          - 2001:db8:20::/48
      sandbox:
        roles:
          - shop-buyer
        expires: "2027-06-30"
    "#);
    insta::assert_snapshot!(state::write_collection(&shop.collections[1]), @r#"
    title: Orders
    owner: orders-team@shop.example
    upstream:
      url: http://127.0.0.1:9001/api
      answer_timeout: 10s
    document: documents/orders.yaml
    operations:
      cancelOrder:
        name: cancel_order
        effect: destructive
      health:
        allow:
          - anonymous
      list_orders:
        description: The newest orders first. Ask for one page at a time.
      reindex:
        hidden: true
    "#);
    assert_eq!(Kind::Client.path("web-shop"), "clients/web-shop.yaml");
}
