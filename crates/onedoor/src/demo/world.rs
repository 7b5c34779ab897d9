//! The state of the demo: two collections, an app and an agent, what they may do, and how much of it.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroU32,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use model::{
    Assignment, Client, ClientId, ClientKind, Clock, Collection, CollectionId, Effect, Grant,
    KeyKind, Lifecycle, Limit, LimitId, Measure, Pattern, Period, Place, Profile, ProfileId, Quota,
    Rate, Recording, Role, RoleId, Scope, Secret, Surface, Upstream,
};
use state::Kind;

use super::sample_api;
use crate::{api_key, data::DataFolder, folder, serving::Places};

/// How often a day the agent may list customers. Small enough to run out in the guided run.
pub(super) const QUOTA: u32 = 5;

const DOCUMENT: &str = "documents/shop.json";
const KEY_LIFE: Duration = Duration::from_secs(86_400);

/// The folders of the demo, and the keys of its clients.
pub(super) struct World {
    /// All that it has written is below it, and goes with it.
    pub(super) root: Scratch,
    pub(super) places: Places,
    /// Where records go.
    pub(super) audit: PathBuf,
    /// The key of the client `shop-agent`.
    pub(super) agent_key: Secret<String>,
    /// The key of the client `shop-app`.
    pub(super) app_key: Secret<String>,
}

/// A folder that is removed when this is dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    fn make(path: PathBuf) -> anyhow::Result<Self> {
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!("the folder {} stays: {error}", self.0.display());
        }
    }
}

impl World {
    /// Writes the state folder to a fresh directory, over the sample API at `upstream`.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn make(upstream: &str) -> anyhow::Result<Self> {
        let end: String = uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect();
        let root = Scratch::make(std::env::temp_dir().join(format!("onedoor-demo-{end}")))?;
        let state = root.path().join("state");
        write_all(&state, upstream)
            .with_context(|| format!("cannot write to {}", root.path().display()))?;
        let places = Places { data: root.path().join("data"), state };
        let data = DataFolder::open(&places.data)?;
        let (pepper, now) = (data.pepper()?, Clock::system().now());
        let key = |client: &str| {
            let profile = ProfileId::parse(&format!("{client}/default"))?;
            let times = (now, now.plus(KEY_LIFE));
            let (key, credential) = api_key::new(&pepper, (KeyKind::ApiKey, &profile), times)?;
            api_key::write(&places.state, &credential)?;
            anyhow::Ok(key)
        };
        let (agent_key, app_key) = (key("shop-agent")?, key("shop-app")?);
        Ok(Self { root, audit: data.audit_folder(), places, agent_key, app_key })
    }
}

fn write_all(state: &Path, upstream: &str) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| folder::write(&state.join(name), text);
    write(DOCUMENT, sample_api::DOCUMENT)?;
    for collection in [
        collection(
            "orders",
            "/shop",
            upstream,
            &[
                "list_orders",
                "get_order",
                "create_order",
                "update_order",
                "delete_order",
                "slow",
                "fail",
                "stream_orders",
            ],
        )?,
        collection("customers", "/crm", upstream, &["list_customers", "get_customer"])?,
    ] {
        write(
            &Kind::Collection.path(collection.id.as_str()),
            &state::write_collection(&collection),
        )?;
    }
    for role in [
        role("shop-editor", "All of the shop", &[])?,
        role("shop-reader", "All of the shop, to read", &[Effect::Read])?,
    ] {
        write(&Kind::Role.path(role.id.as_str()), &state::write_role(&role))?;
    }
    for client in [
        client("shop-app", ClientKind::App, "The shop's own app", "shop-editor")?,
        client(
            "shop-agent",
            ClientKind::Agent,
            "An AI agent that answers questions",
            "shop-reader",
        )?,
    ] {
        write(&Kind::Client.path(client.id.as_str()), &state::write_client(&client))?;
    }
    for limit in limits()? {
        write(&Kind::Limit.path(limit.id.as_str()), &state::write_limit(&limit))?;
    }
    Ok(())
}

fn collection(id: &str, base: &str, upstream: &str, select: &[&str]) -> anyhow::Result<Collection> {
    let place = Place::default();
    Ok(Collection {
        id: CollectionId::parse(id)?,
        title: None,
        owner: "shop-team".to_owned(),
        state: Lifecycle::Published,
        base: base.to_owned(),
        upstream: Upstream::new(upstream),
        document: Arc::new(serde_json::from_str(sample_api::DOCUMENT)?),
        document_place: Place::new(&Arc::from(DOCUMENT), 0),
        select: Some(select.iter().map(|it| ((*it).to_owned(), place.clone())).collect()),
        overrides: BTreeMap::new(),
        recording: Recording::default(),
        place,
    })
}

fn role(id: &str, description: &str, effects: &[Effect]) -> anyhow::Result<Role> {
    let operations =
        ["orders:*", "customers:*"].map(|it| Pattern::parse(it).map_err(anyhow::Error::msg));
    let operations = operations.into_iter().collect::<Result<_, _>>()?;
    Ok(Role {
        id: RoleId::parse(id)?,
        description: Some(description.to_owned()),
        grants: vec![Grant { operations, effects: effects.to_vec() }],
        place: Place::default(),
    })
}

fn client(id: &str, kind: ClientKind, description: &str, role: &str) -> anyhow::Result<Client> {
    let id = ClientId::parse(id)?;
    let profile = Profile {
        id: ProfileId::new(&id, "default")?,
        roles: vec![Assignment::everywhere(RoleId::parse(role)?)],
        surfaces: vec![Surface::Mcp, Surface::Rest],
        networks: Vec::new(),
        expires: None,
        tokens: None,
        rotation: model::RotationPolicy::default(),
        is_enabled: true,
        place: Place::default(),
    };
    Ok(Client {
        id,
        kind,
        owner: "shop-team".to_owned(),
        description: Some(description.to_owned()),
        is_enabled: true,
        profiles: vec![profile],
        place: Place::default(),
    })
}

fn limits() -> anyhow::Result<[Limit; 2]> {
    let (quota, rate) = (count(QUOTA)?, count(20)?);
    let quota = Measure::Quota(Quota { count: quota, period: Period::Day });
    let rate = Measure::Rate(Rate { count: rate, per: Duration::from_secs(1), burst: rate });
    let limit = |id, scope, measure| {
        anyhow::Ok(Limit {
            id: LimitId::parse(id)?,
            client: None,
            profile: None,
            operations: Vec::new(),
            scope,
            measure,
            place: Place::default(),
        })
    };
    let listed = Pattern::parse("customers:list_customers").map_err(anyhow::Error::msg)?;
    Ok([
        Limit {
            client: Some(ClientId::parse("shop-agent")?),
            operations: vec![listed],
            ..limit("agent-customers", Scope::Client, quota)?
        },
        limit("fair-share", Scope::Profile, rate)?,
    ])
}

fn count(number: u32) -> anyhow::Result<NonZeroU32> {
    NonZeroU32::new(number).context("a limit of nothing")
}
