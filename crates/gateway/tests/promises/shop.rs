//! The state that the promises are tried on: a shop with an operation of each sort.

use std::sync::Arc;

use gateway::{Local, LocalCollection};
use model::{Collection, CollectionId, Lifecycle, Place, Recording, Upstream};
use serde_json::json;
use testkit::{House, HouseBuilder};

const DOCUMENT: &str = r"
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /items:
    get:
      operationId: list_items
      parameters:
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: limit, in: query, schema: {type: integer}}
      responses: {'200': {description: ok}}
    post:
      operationId: create_item
      parameters:
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: note, in: query, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties: {name: {type: string}, count: {type: integer}}
      responses: {'201': {description: made}}
  /items/{id}:
    get:
      operationId: get_item
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: note, in: query, schema: {type: string}}
      responses: {'200': {description: ok}}
    delete:
      operationId: delete_item
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'204': {description: gone}}
  /items/mine:
    get:
      operationId: get_mine
      responses: {'200': {description: ok}}
  /ping:
    get:
      operationId: ping
      responses: {'200': {description: ok}}
";

/// The callers: a profile with a key, or none.
pub(crate) const CALLERS: [&str; 6] =
    ["app/full", "app/reader", "agent/one", "agent/nothing", "slow/rate", ""];

/// A shop with clients of all sorts.
pub(crate) fn builder() -> HouseBuilder {
    House::builder()
        .file("documents/shop.yaml", DOCUMENT)
        .file(
            "collections/shop.yaml",
            "owner: shop team\nbase: /shop\nupstream: {url: UPSTREAM}\n\
             document: documents/shop.yaml\noperations:\n  ping: {allow: [anonymous]}\n",
        )
        .file("roles/everything.yaml", "allow:\n  - operations: ['shop:*']\n")
        .file("roles/reader.yaml", "allow:\n  - operations: ['shop:*']\n    effects: [read]\n")
        .file("roles/one.yaml", "allow:\n  - operations: ['shop:get_item', 'shop:create_item']\n")
        .file(
            "clients/app.yaml",
            "kind: app\nowner: ann\nprofiles:\n  full: {roles: [everything]}\n  reader: {roles: [reader]}\n",
        )
        .file(
            "clients/agent.yaml",
            "kind: agent\nowner: bob\nprofiles:\n  one: {roles: [one]}\n  nothing: {roles: []}\n",
        )
        .file("clients/slow.yaml", "kind: service\nowner: eve\nprofiles:\n  rate: {roles: [everything]}\n")
        .file("limits/app-daily.yaml", "client: app\nper: profile_operation\nquota: 3/day\n")
        .file("limits/agent-hourly.yaml", "client: agent\nper: client\nquota: 4/hour\n")
        .file("limits/slow.yaml", "client: slow\nper: profile\nrate: 1/s\nburst: 2\n")
        .key("app/full")
        .key("app/reader")
        .key("agent/one")
        .key("agent/nothing")
        .key("slow/rate")
}

/// A shop with one operation of the door's own, `put_client`, which `boss/all` may call. It is in
/// force with the next change.
pub(crate) async fn managed(handler: Arc<dyn Local>) -> House {
    let house = builder()
        .file("roles/operator.yaml", "allow:\n  - operations: ['onedoor:*']\n")
        .file(
            "clients/boss.yaml",
            "kind: service\nowner: eve\nprofiles:\n  all: {roles: [operator]}\n",
        )
        .key("boss/all")
        .open()
        .await
        .expect("the shop has no faults");
    let place = Place::default();
    let document = json!({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
        "/clients/{client}": {"put": {
            "operationId": "put_client",
            "parameters": [{"name": "client", "in": "path", "required": true, "schema": {"type": "string"}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["owner"], "properties": {"owner": {"type": "string"}}}}}},
            "responses": {},
        }},
    }});
    let collection = Collection {
        id: CollectionId::own(),
        title: None,
        owner: "onedoor".to_owned(),
        state: Lifecycle::Published,
        base: "/onedoor/v1".to_owned(),
        upstream: Upstream::new("http://localhost"),
        document: Arc::new(document),
        document_place: place.clone(),
        select: None,
        overrides: std::collections::BTreeMap::default(),
        recording: Recording::default(),
        place,
    };
    house.gateway.mount(vec![LocalCollection {
        collection: Arc::new(collection),
        roles: Vec::new(),
        handler,
    }]);
    house
}
