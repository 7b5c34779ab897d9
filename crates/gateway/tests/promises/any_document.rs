//! What `one_decision` promises of a shop, for documents, rights and limits that nobody chose.

use std::{collections::BTreeMap, time::Duration};

use proptest::{
    collection::vec, prelude::*, sample::Index, sample::select, strategy::ValueTree as _,
};
use serde_json::{Map, Value, json};
use testkit::{House, HouseBuilder};

use crate::one_decision::{Outcome, block_on, encode, outcome, text};

/// The profiles; somebody without a key calls as well.
const PROFILES: [&str; 3] = ["app/one", "app/two", "agent/one"];

/// Where a value of a call goes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Body,
    Header,
    Path,
    Query,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Boolean,
    Integer,
    /// Strings between commas.
    Joined,
    /// Strings, each by itself.
    Repeated,
    Text,
}

#[derive(Debug, Clone)]
struct Parameter {
    place: Place,
    kind: Kind,
    is_required: bool,
}

#[derive(Debug, Clone)]
struct Operation {
    method: &'static str,
    effect: Option<&'static str>,
    is_open: bool,
    parameters: Vec<Parameter>,
}

/// What a profile may: some operations, of all effects or of one.
type Right = (Vec<bool>, Option<&'static str>);

#[derive(Debug, Clone)]
struct World {
    operations: Vec<Operation>,
    rights: Vec<Right>,
    limits: Vec<&'static str>,
}

#[derive(Debug, Clone)]
struct Call {
    caller: Option<Index>,
    operation: Index,
    values: Vec<(bool, String, i64, Vec<String>)>,
    pause: Duration,
    by_mcp: bool,
}

fn parameter() -> impl Strategy<Value = Parameter> {
    use Kind::{Boolean, Integer, Joined, Repeated, Text};
    use Place::{Body, Header, Path, Query};
    let scalar = || select(vec![Boolean, Integer, Text]);
    let place = prop_oneof![
        (Just(Path), scalar()),
        (Just(Header), scalar()),
        (Just(Query), select(vec![Boolean, Integer, Joined, Repeated, Text])),
        (Just(Body), select(vec![Boolean, Integer, Repeated, Text])),
    ];
    (place, any::<bool>()).prop_map(|((place, kind), is_required)| Parameter {
        place,
        kind,
        is_required: is_required || place == Path,
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let method = select(vec!["get", "post", "put", "patch", "delete"]);
    let effect = select(vec![None, None, Some("read"), Some("write"), Some("destructive")]);
    (method, effect, 0..5_u8, vec(parameter(), 0..7)).prop_map(
        |(method, effect, open, mut parameters)| {
            if matches!(method, "get" | "delete") {
                parameters.retain(|it| it.place != Place::Body);
            }
            Operation { method, effect, is_open: open == 0, parameters }
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let effect = select(vec![None, None, Some("read"), Some("write")]);
    let right = (vec(prop::bool::weighted(0.7), 4), effect);
    let limit = select(vec![
        "client: app\nper: client\nquota: 6/hour\n",
        "client: app\nper: profile_operation\nrate: 1/s\nburst: 2\n",
        "client: agent\nper: profile\nquota: 3/day\n",
        "client: agent\nper: profile\nrate: 2/m\nburst: 3\n",
    ]);
    (vec(operation(), 1..5), vec(right, PROFILES.len()), vec(limit, 0..3)).prop_map(
        |(mut operations, rights, limits)| {
            // MCP asks for a key before it reads what is called. Where nothing is open to everybody, or a
            // key is wrong, kind and verdict are the same, and its record names no operation.
            operations[0].is_open = true;
            World { operations, rights, limits }
        },
    )
}

fn call() -> impl Strategy<Value = Call> {
    let value = (prop::bool::weighted(0.7), text(), any::<i64>(), vec("[a-z0-9]{1,4}", 1..4));
    let pause = prop_oneof![9 => Just(0), 1 => select(vec![700, 30_000, 3_600_000])];
    let caller = prop::option::weighted(0.9, any::<Index>());
    (caller, any::<Index>(), vec(value, 7), pause, any::<bool>()).prop_map(
        |(caller, operation, values, pause_ms, by_mcp)| Call {
            caller,
            operation,
            values,
            pause: Duration::from_millis(pause_ms),
            by_mcp,
        },
    )
}

impl Parameter {
    /// Its name, where it is the one with this index.
    fn name(&self, index: usize) -> String {
        match self.place {
            Place::Header => format!("X-P{index}"),
            Place::Body | Place::Path | Place::Query => format!("p{index}"),
        }
    }

    fn schema(&self) -> Value {
        match self.kind {
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Integer => json!({"type": "integer"}),
            Kind::Joined | Kind::Repeated => json!({"type": "array", "items": {"type": "string"}}),
            Kind::Text => json!({"type": "string"}),
        }
    }

    fn declared(&self, index: usize) -> Value {
        let place = match self.place {
            Place::Header => "header",
            Place::Path => "path",
            Place::Body | Place::Query => "query",
        };
        let mut declared = json!({
            "name": self.name(index), "in": place, "required": self.is_required,
            "schema": self.schema(),
        });
        if self.kind == Kind::Joined {
            declared["explode"] = json!(false);
        }
        declared
    }

    fn value(&self, (is_set, text, integer, texts): &(bool, String, i64, Vec<String>)) -> Value {
        match (self.kind, self.place) {
            (Kind::Boolean, _) => json!(is_set),
            (Kind::Integer, _) => json!(integer),
            (Kind::Joined | Kind::Repeated, _) => json!(texts),
            (Kind::Text, Place::Header) => json!(texts.concat()),
            (Kind::Text, _) => json!(text),
        }
    }
}

impl Operation {
    fn path(&self, index: usize, value: impl Fn(usize) -> String) -> String {
        let holes = self.parameters.iter().enumerate().filter(|it| it.1.place == Place::Path);
        holes.fold(format!("/r{index}"), |path, (hole, _)| format!("{path}/{}", value(hole)))
    }

    fn document(&self, index: usize) -> Value {
        let parameters = self.parameters.iter().enumerate();
        let (fields, others): (Vec<_>, Vec<_>) =
            parameters.partition(|it| it.1.place == Place::Body);
        let others: Vec<_> = others.iter().map(|(index, it)| it.declared(*index)).collect();
        let mut operation = json!({
            "operationId": format!("op{index}"), "parameters": others, "responses": {},
        });
        if !fields.is_empty() {
            let properties: Map<_, _> =
                fields.iter().map(|(index, it)| (it.name(*index), it.schema())).collect();
            let required: Vec<_> = fields
                .iter()
                .filter(|it| it.1.is_required)
                .map(|(index, it)| it.name(*index))
                .collect();
            operation["requestBody"] = json!({"required": true, "content": {"application/json": {
                "schema": {"type": "object", "properties": properties, "required": required},
            }}});
        }
        operation
    }
}

impl World {
    fn builder(&self) -> HouseBuilder {
        let numbered = || self.operations.iter().enumerate();
        let paths: Map<_, _> = numbered()
            .map(|(index, it)| {
                let path = it.path(index, |hole| format!("{{p{hole}}}"));
                (path, json!({it.method: it.document(index)}))
            })
            .collect();
        let info = json!({"title": "t", "version": "1"});
        let document = json!({"openapi": "3.1.0", "info": info, "paths": paths});
        let overrides: Map<_, _> = numbered()
            .map(|(index, it)| {
                let mut rule = Map::new();
                rule.extend(it.effect.map(|it| ("effect".to_owned(), json!(it))));
                rule.extend(it.is_open.then(|| ("allow".to_owned(), json!(["anonymous"]))));
                (format!("op{index}"), Value::Object(rule))
            })
            .filter(|it| it.1 != json!({}))
            .collect();
        // JSON is YAML.
        let collection = json!({
            "owner": "t", "base": "/t", "upstream": {"url": "UPSTREAM"},
            "document": "documents/t.json", "operations": overrides,
        });
        let mut builder = House::builder()
            .file("documents/t.json", &document.to_string())
            .file("collections/t.yaml", &collection.to_string());
        for (index, (profile, right)) in PROFILES.iter().zip(&self.rights).enumerate() {
            let allowed = numbered().zip(&right.0).filter(|it| *it.1);
            let allowed: Vec<_> = allowed.map(|((index, _), _)| format!("t:op{index}")).collect();
            let mut rule = json!({"operations": allowed});
            if let Some(effect) = right.1 {
                rule["effects"] = json!([effect]);
            }
            let rules = if allowed.is_empty() { json!([]) } else { json!([rule]) };
            let role = json!({"allow": rules}).to_string();
            builder = builder.file(&format!("roles/r{index}.yaml"), &role).key(profile);
        }
        for (index, limit) in self.limits.iter().enumerate() {
            builder = builder.file(&format!("limits/l{index}.yaml"), limit);
        }
        builder
            .file(
                "clients/app.yaml",
                "kind: app\nowner: ann\nprofiles: {one: {roles: [r0]}, two: {roles: [r1]}}\n",
            )
            .file("clients/agent.yaml", "kind: agent\nowner: bob\nprofiles: {one: {roles: [r2]}}\n")
    }

    /// The operation of a call, and what it is called with, in the order of the document.
    fn asked<'a>(&'a self, call: &'a Call) -> (usize, Vec<(&'a Parameter, String, Value)>) {
        let index = call.operation.index(self.operations.len());
        let parameters = self.operations[index].parameters.iter().zip(&call.values).enumerate();
        let values = parameters.filter(|(_, (it, value))| it.is_required || value.0);
        let named = |(index, (it, value)): (usize, (&'a Parameter, _))| {
            (it, it.name(index), it.value(value))
        };
        (index, values.map(named).collect())
    }

    async fn by_rest(&self, house: &House, call: &Call) {
        let (index, asked) = self.asked(call);
        let operation = &self.operations[index];
        let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        let path = operation.path(index, |hole| {
            let name = format!("p{hole}");
            asked.iter().find(|it| it.1 == name).map(|it| encode(&plain(&it.2))).unwrap()
        });
        let mut query = Vec::new();
        let mut headers = Vec::new();
        let mut body = Map::new();
        for (parameter, name, value) in &asked {
            let texts = || value.as_array().into_iter().flatten().map(plain).collect::<Vec<_>>();
            match (parameter.place, parameter.kind) {
                (Place::Body, _) => drop(body.insert(name.clone(), value.clone())),
                (Place::Header, _) => headers.push((name.as_str(), plain(value))),
                (Place::Path, _) => {}
                (Place::Query, Kind::Joined) => query.push(format!("{name}={}", texts().join(","))),
                (Place::Query, Kind::Repeated) => {
                    query.extend(texts().iter().map(|it| format!("{name}={it}")));
                }
                (Place::Query, _) => query.push(format!("{name}={}", encode(&plain(value)))),
            }
        }
        let has_body = operation.parameters.iter().any(|it| it.place == Place::Body);
        if has_body {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if let Some(caller) = &call.caller {
            headers
                .push(("x-api-key", house.key(PROFILES[caller.index(PROFILES.len())]).to_owned()));
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let target = format!("/t{path}{mark}{}", query.join("&"));
        let body = if has_body { Value::Object(body).to_string() } else { String::new() };
        house.client.send(&operation.method.to_uppercase(), &target, &headers, body).await;
    }

    async fn by_mcp(&self, house: &House, call: &Call) {
        let (index, asked) = self.asked(call);
        // The order of a flat object says nothing: here it is another than that of the document.
        let arguments: Map<_, _> =
            asked.into_iter().rev().map(|(_, name, value)| (name, value)).collect();
        let key =
            call.caller.as_ref().map_or("", |it| house.key(PROFILES[it.index(PROFILES.len())]));
        house.client.call_tool(key, &format!("t_op{index}"), &Value::Object(arguments)).await;
    }

    async fn run(&self, calls: &[Call], by_mcp_at: impl Fn(&Call) -> bool) -> Vec<Outcome> {
        let house = self.builder().open().await.expect("the world has no faults");
        let mut outcomes = Vec::new();
        for call in calls {
            house.clock.advance(call.pause);
            let records_before = house.records().len();
            if by_mcp_at(call) {
                self.by_mcp(&house, call).await;
            } else {
                self.by_rest(&house, call).await;
            }
            outcomes.push(outcome(&house, records_before));
        }
        outcomes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn rest_and_mcp_are_one_decision_for_any_document(world in world(), calls in vec(call(), 1..14)) {
        block_on(async {
            let rest = world.run(&calls, |_| false).await;
            let mcp = world.run(&calls, |_| true).await;
            let mixed = world.run(&calls, |it| it.by_mcp).await;
            for (index, call) in calls.iter().enumerate() {
                prop_assert_eq!(&rest[index], &mcp[index], "call {}: {:?}", index, call);
                prop_assert_eq!(&rest[index], &mixed[index], "mixed, call {}: {:?}", index, call);
            }
            Ok(())
        })?;
    }
}

#[test]
fn the_worlds_reach_every_verdict_and_every_place() {
    // The property above is worth what its worlds reach: this counts them.
    let mut seen = BTreeMap::<String, usize>::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..40 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let calls = vec(call(), 12..14).new_tree(&mut runner).unwrap().current();
        let outcomes = block_on(world.run(&calls, |it| it.by_mcp));
        for (call, outcome) in calls.iter().zip(outcomes) {
            let reason = outcome.record["reason"].as_str().unwrap_or("answered").to_owned();
            if reason == "answered" {
                for (parameter, _, _) in world.asked(call).1 {
                    let to = format!("{:?} {:?}", parameter.place, parameter.kind);
                    *seen.entry(to).or_default() += 1;
                }
                assert_eq!(outcome.upstream.len(), 1);
            }
            *seen.entry(reason).or_default() += 1;
        }
    }
    for reason in ["answered", "forbidden", "limit_reached", "unauthenticated"] {
        assert!(seen.get(reason).is_some_and(|it| *it >= 10), "{reason} is rare: {seen:?}");
    }
    let places = seen.keys().filter(|it| it.contains(' ')).count();
    assert_eq!(places, 3 + 3 + 5 + 4, "{seen:?}");
}
