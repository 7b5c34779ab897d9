//! `list_audit_purges`, `propose_audit_purge`, `approve_audit_purge` and `reject_audit_purge`: old segments of
//! the audit log go when two people want it.

use audit::without_addresses;
use http::{Method, StatusCode};
use model::{Effect, Timestamp, quantity::parse_duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, Call, LogFault, PurgedView, SegmentView, authority,
    failure::Failure,
    operation::{NoBody, NoParameters, Operation},
    person::Person,
    purge::Proposal,
    reply::Reply,
    resource::ById,
};

/// Lists the purges that wait.
#[derive(Debug)]
pub(crate) struct List;

/// What waits, and what could go.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Waiting {
    /// The purges that wait for somebody to agree, the oldest first.
    items: Vec<ProposalView>,
    /// The segments that are not written to any more, the oldest first.
    segments: Vec<SegmentView>,
}

/// A purge that waits for somebody to agree.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ProposalView {
    /// Its id.
    id: String,
    /// The first record that goes.
    first: u64,
    /// The number behind the last record that goes.
    before_record: u64,
    /// How many segments that are.
    segments: u64,
    /// How many bytes they take.
    bytes: u64,
    /// Why, in the words of who asked for it.
    reason: String,
    /// Who asked for it.
    proposed_by: String,
    /// When that was.
    proposed_at: String,
    /// Until when somebody else may agree.
    expires: String,
}

impl From<&Proposal> for ProposalView {
    fn from(proposal: &Proposal) -> Self {
        let Proposal { id, before, first, segments, bytes, reason, by, revision: _, at } = proposal;
        Self {
            id: id.clone(),
            first: *first,
            before_record: *before,
            segments: *segments,
            bytes: *bytes,
            reason: reason.clone(),
            proposed_by: by.shown().to_owned(),
            proposed_at: at.to_string(),
            expires: proposal.expires().to_string(),
        }
    }
}

impl Operation for List {
    const NAME: &'static str = "list_audit_purges";
    const COMMAND: [&'static str; 2] = ["audit_purge", "list"];
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/audit-purges";
    const EFFECT: Effect = Effect::Read;
    const SUMMARY: &'static str = "List purges of the audit log that wait";
    type Parameters = NoParameters;
    type Body = NoBody;
    type Output = Waiting;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        _: NoBody,
    ) -> Result<Reply<Waiting>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let waiting = admin.purges.waiting(admin.clock.now());
        let items = waiting.iter().map(ProposalView::from).collect();
        Ok(Reply::of(Waiting { items, segments: segments(admin)? }))
    }
}

/// Asks for a purge.
#[derive(Debug)]
pub(crate) struct Propose;

/// What is to go, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// Closed segments whose records are all before this one.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    before_record: Option<u64>,
    /// Segments that were closed longer ago: `400d`.
    #[schemars(length(max = 50))]
    older_than: Option<String>,
    /// Why. It is recorded with the purge.
    #[schemars(length(min = 1, max = 500))]
    reason: String,
}

impl Operation for Propose {
    const NAME: &'static str = "propose_audit_purge";
    const COMMAND: [&'static str; 2] = ["audit_purge", "propose"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/audit-purges";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Ask for old parts of the audit log to go";
    const DESCRIPTION: &'static str = "Nothing goes before another person approves it within 24 hours. Where people sign in, both have to; where nobody does, a client of another owner approves it. Neither of the two may have made the other's account, issuer, client or credential, be it through others. It is about the log of this process and is kept in its memory: after a restart it is asked for again.";
    const STATUS: StatusCode = StatusCode::CREATED;
    type Parameters = NoParameters;
    type Body = Wish;
    type Output = ProposalView;

    async fn run(
        admin: &Admin,
        call: &Call,
        _: NoParameters,
        wish: Wish,
    ) -> Result<Reply<ProposalView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let (working, now) = (admin.working(), admin.clock.now());
        let going = going(segments(admin)?, &wish, now)?;
        let (Some(first), Some(last)) = (going.first(), going.last()) else {
            let detail = "no closed segment is as old as that: onedoor audit_purge list shows them";
            return Err(Failure::Conflict(detail.to_owned()));
        };
        let proposal = Proposal {
            id: uuid::Uuid::new_v4().simple().to_string(),
            before: last.last.saturating_add(1),
            first: first.first,
            segments: u64::try_from(going.len()).unwrap_or(u64::MAX),
            bytes: going.iter().map(|it| it.bytes).sum(),
            reason: wish.reason,
            by: Person::of(call, &working),
            revision: working.revision,
            at: now,
        };
        let view = ProposalView::from(&proposal);
        admin.purges.add(proposal)?;
        Ok(Reply::of(view))
    }
}

/// The segments that are meant: the oldest ones, as many as `wish` says.
fn going(
    segments: Vec<SegmentView>,
    wish: &Wish,
    now: Timestamp,
) -> Result<Vec<SegmentView>, Failure> {
    let age = wish.older_than.as_deref().map(parse_duration).transpose();
    let age = age.map_err(|error| Failure::field("body.older_than", error, "write 400d"))?;
    let is_meant = |it: &SegmentView| {
        let is_before = wish.before_record.is_none_or(|before| it.last < before);
        let ended = Timestamp::parse(&it.ended).unwrap_or(now);
        is_before && age.is_none_or(|age| now.since(ended) > age)
    };
    if wish.before_record.is_none() && age.is_none() {
        let (message, help) = ("what is to go is not said", "give before_record or older_than");
        return Err(Failure::field("body", message, help));
    }
    Ok(segments.into_iter().take_while(is_meant).collect())
}

/// Agrees to a purge.
#[derive(Debug)]
pub(crate) struct Approve;

impl Operation for Approve {
    const NAME: &'static str = "approve_audit_purge";
    const COMMAND: [&'static str; 2] = ["audit_purge", "approve"];
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/audit-purges/{id}/approval";
    const EFFECT: Effect = Effect::Destructive;
    const SUMMARY: &'static str = "Agree to a purge that somebody else wants";
    const DESCRIPTION: &'static str = "The segments are checked, the purge is recorded with both names, a sealed root of each segment is kept, and their files are removed. What is damaged, what no checkpoint covers and what a sink has not acknowledged stays.";
    type Parameters = ById;
    type Body = NoBody;
    type Output = PurgedView;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<PurgedView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let (approver, now) = (Person::of(call, &admin.working()), admin.clock.now());
        let found = admin.purges.find(&by.id, now)?;
        admin.ensure_two(&approver, (&found.by, found.revision)).await?;
        // Whoever else approved it meanwhile was faster.
        let proposal = admin.purges.take(&by.id, now)?;
        let Proposal { by, at, reason, .. } = &proposal;
        let (asked, agreed) = (by.shown(), approver.shown());
        let why = format!(
            "asked for by {asked} at {at}, approved by {agreed}: {}",
            without_addresses(reason)
        );
        match admin.plane.purge_log(proposal.before, &why) {
            Ok(purged) => Ok(Reply::of(purged)),
            Err(fault) => {
                // It was agreed to in vain: whoever removes the cause agrees again.
                admin.purges.add(proposal)?;
                Err(fault.into())
            }
        }
    }
}

/// Turns a purge down.
#[derive(Debug)]
pub(crate) struct Reject;

impl Operation for Reject {
    const NAME: &'static str = "reject_audit_purge";
    const COMMAND: [&'static str; 2] = ["audit_purge", "reject"];
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/audit-purges/{id}";
    const EFFECT: Effect = Effect::Write;
    const SUMMARY: &'static str = "Turn down a purge of the audit log";
    type Parameters = ById;
    type Body = NoBody;
    type Output = ProposalView;

    async fn run(
        admin: &Admin,
        call: &Call,
        by: ById,
        _: NoBody,
    ) -> Result<Reply<ProposalView>, Failure> {
        authority::ensure_everywhere(call, authority::LOG)?;
        let rejected = admin.purges.take(&by.id, admin.clock.now())?;
        Ok(Reply::of(ProposalView::from(&rejected)))
    }
}

fn segments(admin: &Admin) -> Result<Vec<SegmentView>, Failure> {
    admin.plane.log_segments().map_err(|error| Failure::internal(&error))
}

impl From<LogFault> for Failure {
    fn from(fault: LogFault) -> Self {
        match fault {
            LogFault::Conflict(detail) => Self::Conflict(detail),
            LogFault::Unavailable(detail) => Self::Unavailable(detail),
        }
    }
}
