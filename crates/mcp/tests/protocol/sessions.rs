//! Sessions of the older revisions: bound to a profile and the person behind it, bounded in number, and without authority.

use std::{collections::HashSet, sync::Arc, time::Duration};

use mcp::{Id, Owner, Session, SessionBounds, SessionId, Sessions, Version};
use model::{Caller, Clock, ProfileId, Timestamp};

use crate::{headers, verdict};

const HOUR: Duration = Duration::from_hours(1);

fn bounds() -> SessionBounds {
    SessionBounds {
        count_max: 40,
        per_profile_max: 4,
        per_person_max: 3,
        in_flight_max: 2,
        idle_max: HOUR,
    }
}

fn table() -> (Sessions, Clock) {
    let clock = Clock::fake(Timestamp::from_seconds(1_000_000));
    (Sessions::new(clock.clone(), bounds()), clock)
}

/// A client of that name, by one of its profiles if that is said, and after a colon a person behind it.
fn owner(name: &str) -> Owner {
    let (client, person) = name.split_once(':').map_or((name, None), |it| (it.0, Some(it.1)));
    let (client, profile) = client.split_once('/').unwrap_or((client, "default"));
    let profile = ProfileId::parse(&format!("{client}/{profile}")).unwrap();
    Owner::of(&Caller { profile, user: person.map(str::to_owned), ..Caller::anonymous() })
}

fn begin(sessions: &Sessions, name: &str) -> Arc<Session> {
    sessions.create(&owner(name), Version::V2025_11_25)
}

fn is_there(sessions: &Sessions, session: &Session) -> bool {
    sessions.find(session.id(), session.owner()).is_some()
}

#[test]
fn a_session_is_found_by_its_owner_only() {
    let (sessions, _) = table();
    let session = begin(&sessions, "alice");
    let found = sessions.find(session.id(), &owner("alice")).unwrap();
    assert_eq!((found.id(), found.version()), (session.id(), Version::V2025_11_25));
    assert!(sessions.find(session.id(), &owner("mallory")).is_none());
    assert!(!sessions.delete(session.id(), &owner("mallory")));
    assert!(is_there(&sessions, &session));
    assert!(sessions.delete(session.id(), &owner("alice")));
    assert!(!sessions.delete(session.id(), &owner("alice")));
    assert!(!is_there(&sessions, &session));
    assert_eq!(sessions.count(), 0);
}

#[test]
fn another_person_by_the_same_profile_and_the_same_by_another_find_no_session() {
    let (sessions, _) = table();
    let session = begin(&sessions, "agent:ann");
    for other in ["agent:ben", "agent", "agent/other:ann", "agent/other", "other:ann", "agent:ann "]
    {
        assert!(sessions.find(session.id(), &owner(other)).is_none(), "{other}");
        assert!(!sessions.delete(session.id(), &owner(other)), "{other}");
    }
    assert!(sessions.delete(session.id(), &owner("agent:ann")));
}

#[test]
fn a_person_who_opens_many_sessions_pushes_out_only_their_own() {
    let (sessions, clock) = table();
    let others = ["agent:ben", "agent"].map(|it| begin(&sessions, it));
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1));
        begin(&sessions, "agent:ann");
    }
    assert!(others.iter().all(|it| is_there(&sessions, it)));
    assert_eq!(sessions.count(), 5, "three of a person");
}

#[test]
fn an_id_of_another_shape_is_an_unknown_session() {
    let (sessions, _) = table();
    let id = begin(&sessions, "alice").id();
    let of = |values: &[&str]| {
        let lines: Vec<_> = values.iter().map(|it| ("Mcp-Session-Id", *it)).collect();
        verdict(SessionId::of(&headers(&lines)))
    };
    let text = id.to_string();
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[&text]), Ok(Some(id)));
    for other in ["", "x", &text.to_uppercase(), &format!("0{text}"), &text.replacen('a', "+", 1)] {
        if *other != text {
            assert_eq!(of(&[other]), Err((404, -32600)), "{other}");
        }
    }
    assert_eq!(of(&[&text, &text]), Err((400, -32020)));
}

#[test]
fn ids_are_visible_ascii_and_never_the_same() {
    let (sessions, _) = table();
    let ids: HashSet<String> =
        (0..1000).map(|_| begin(&sessions, "alice").id().to_string()).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|it| it.len() == 64 && it.bytes().all(|it| it.is_ascii_hexdigit())));
}

#[test]
fn a_session_ends_when_nobody_uses_it() {
    let (sessions, clock) = table();
    let (used, unused, busy) =
        (begin(&sessions, "a"), begin(&sessions, "b"), begin(&sessions, "c"));
    let in_flight = busy.begin(&Id::Integer(1)).unwrap();
    clock.advance(HOUR);
    assert!(is_there(&sessions, &used));
    clock.advance(Duration::from_secs(1));
    assert!(is_there(&sessions, &used));
    assert!(!is_there(&sessions, &unused));
    clock.advance(HOUR * 2);
    assert!(is_there(&sessions, &busy), "a call that lasts keeps its session");
    drop(in_flight);
    clock.advance(HOUR * 2);
    // Those that are never asked for again go when a new one comes.
    begin(&sessions, "d");
    assert_eq!(sessions.count(), 1);
}

#[test]
fn a_caller_who_opens_many_sessions_pushes_out_only_its_own() {
    let (sessions, clock) = table();
    let other = begin(&sessions, "other");
    let mut own = Vec::new();
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1));
        own.push(begin(&sessions, "greedy"));
    }
    assert!(is_there(&sessions, &other));
    assert_eq!(sessions.count(), 5);
    let there: Vec<bool> = own.iter().map(|it| is_there(&sessions, it)).collect();
    assert_eq!(there.iter().position(|it| *it), Some(16), "the newest four stay");
}

#[test]
fn the_table_never_outgrows_its_bound() {
    let (sessions, clock) = table();
    let mut all = Vec::new();
    for number in 0..200 {
        clock.advance(Duration::from_secs(1));
        all.push(begin(&sessions, &format!("client{number}")));
        assert!(sessions.count() <= 40, "{}", sessions.count());
        assert!(is_there(&sessions, all.last().unwrap()), "the newest stays");
    }
    assert!(sessions.count() >= 37, "no more is pushed out than needed: {}", sessions.count());
    assert!(!is_there(&sessions, &all[0]));
}

#[test]
fn a_cancellation_reaches_the_request_with_that_id_and_type() {
    let (sessions, _) = table();
    let (session, other) = (begin(&sessions, "a"), begin(&sessions, "a"));
    let integer = session.begin(&Id::Integer(7)).unwrap();
    let text = session.begin(&Id::Text("7".into())).unwrap();
    let elsewhere = other.begin(&Id::Integer(7)).unwrap();
    assert!(session.cancel(&Id::Integer(7)));
    assert!(integer.token().is_cancelled());
    assert!(!text.token().is_cancelled());
    assert!(!elsewhere.token().is_cancelled());
    assert!(!session.cancel(&Id::Integer(8)));
}

#[test]
fn a_request_leaves_the_session_however_it_ends() {
    let (sessions, _) = table();
    let session = begin(&sessions, "a");
    let one = Id::Integer(1);
    let in_flight = session.begin(&one).unwrap();
    assert_eq!(verdict(session.begin(&one).map(drop)), Err((200, -32600)), "the same id twice");
    drop(in_flight);
    assert!(!session.cancel(&one), "a late cancellation finds nothing");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _in_flight = session.begin(&one).unwrap();
        panic!("in the middle of a call");
    }));
    assert!(panicked.is_err());
    let first = session.begin(&one).unwrap();
    let second = session.begin(&Id::Integer(2)).unwrap();
    assert_eq!(verdict(session.begin(&Id::Integer(3)).map(drop)), Err((200, -32600)), "too many");
    drop((first, second));
    assert!(session.begin(&Id::Integer(3)).is_ok());
}

#[test]
fn the_end_of_a_session_cancels_what_is_in_flight() {
    let (sessions, _) = table();
    let session = begin(&sessions, "a");
    let in_flight = session.begin(&Id::Integer(1)).unwrap();
    assert!(sessions.delete(session.id(), &owner("a")));
    assert!(in_flight.token().is_cancelled());
    // A request that had found the session just before comes too late as well.
    assert!(session.begin(&Id::Integer(2)).unwrap().token().is_cancelled());
}

#[test]
fn threads_that_come_and_go_leave_nothing_behind() {
    let (sessions, _) = table();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (sessions, name) = (&sessions, format!("client{}", number % 3));
            scope.spawn(move || (0..200).for_each(|round| come_and_go(sessions, &name, round)));
        }
    });
    assert_eq!(sessions.count(), 0);
}

fn come_and_go(sessions: &Sessions, name: &str, round: i64) {
    let session = begin(sessions, name);
    let in_flight = session.begin(&Id::Integer(round));
    sessions.delete(session.id(), session.owner());
    drop(in_flight);
}
