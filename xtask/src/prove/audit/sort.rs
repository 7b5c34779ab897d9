//! What a call is by its number, who makes it, and how it may be answered.

use serde_json::json;

use super::traffic::Clients;

/// From this number on calls are of all sorts; those below are of the plain ones.
pub(super) const ALL_FROM: u64 = 1 << 32;
/// Of so many of them one is no HTTP: of those a door records but 32 of an address in a second by themselves.
/// And one is left by its caller.
const SELDOM: u64 = 256;
const LEFT_AT: u64 = 128;
/// How many sorts are plain, and how many come often.
const PLAIN: usize = 14;
const OFTEN: usize = 16;

/// What a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// Of what is not there.
    Absent,
    /// Its caller may not.
    Denied,
    DeniedByTool,
    /// Its upstream says that it is busy.
    Failing,
    FailingByTool,
    /// No HTTP: the door's HTTP refuses it by itself.
    Garbage,
    /// Its caller leaves when an answer has begun that never ends.
    Left,
    /// The question which tools there are.
    List,
    /// Its caller has few calls.
    Metered,
    MeteredByTool,
    /// Of nobody.
    Nobody,
    NobodyByTool,
    Read,
    ReadByTool,
    /// Its answer comes in pieces.
    Streamed,
    /// A client asks the authorization server for a token.
    Token,
    Write,
    WriteByTool,
}

impl Sort {
    /// In the order of the numbers: the plain ones, what else comes often, and the others.
    pub(super) const ALL: &'static [Self] = &[
        Self::Read,
        Self::ReadByTool,
        Self::Write,
        Self::WriteByTool,
        Self::Denied,
        Self::DeniedByTool,
        Self::Metered,
        Self::MeteredByTool,
        Self::Nobody,
        Self::NobodyByTool,
        Self::Absent,
        Self::Failing,
        Self::FailingByTool,
        Self::List,
        Self::Streamed,
        Self::Token,
        Self::Garbage,
        Self::Left,
    ];

    /// Those that need no more than the pipeline.
    pub(super) fn plain() -> &'static [Self] {
        Self::ALL.get(..PLAIN).unwrap_or_default()
    }

    pub(super) fn of(number: u64) -> Self {
        let Some(number) = number.checked_sub(ALL_FROM) else { return Self::nth(number, PLAIN) };
        match number.checked_rem(SELDOM) {
            Some(0) => Self::Garbage,
            Some(LEFT_AT) => Self::Left,
            _ => Self::nth(number, OFTEN),
        }
    }

    fn nth(number: u64, count: usize) -> Self {
        let index = u64::try_from(count).ok().and_then(|it| number.checked_rem(it));
        let index = index.and_then(|it| usize::try_from(it).ok()).unwrap_or_default();
        Self::ALL.get(index).copied().unwrap_or(Self::Read)
    }

    /// How many calls up to this number are no HTTP.
    pub(super) fn garbage_until(last: u64) -> u64 {
        last.saturating_sub(ALL_FROM).checked_div(SELDOM).unwrap_or_default()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Absent => "of what is not there",
            Self::Denied => "denied",
            Self::DeniedByTool => "denied tools",
            Self::Failing => "failed upstream",
            Self::FailingByTool => "tools failed upstream",
            Self::Garbage => "no HTTP",
            Self::Left => "left by their callers",
            Self::List => "lists",
            Self::Metered => "metered",
            Self::MeteredByTool => "metered tools",
            Self::Nobody => "without a key",
            Self::NobodyByTool => "tools without a key",
            Self::Read => "reads",
            Self::ReadByTool => "reads by tools",
            Self::Streamed => "in pieces",
            Self::Token => "for tokens",
            Self::Write => "writes",
            Self::WriteByTool => "writes by tools",
        }
    }

    /// Whether it may go upstream.
    pub(super) fn is_permitted(self) -> bool {
        self.is_metered()
            || matches!(
                self,
                Self::Failing
                    | Self::FailingByTool
                    | Self::Left
                    | Self::Read
                    | Self::ReadByTool
                    | Self::Streamed
                    | Self::Write
                    | Self::WriteByTool
            )
    }

    /// Whether its caller shows no key: of a flood of these each has no record of its own.
    pub(super) fn is_of_nobody(self) -> bool {
        matches!(self, Self::Nobody | Self::NobodyByTool)
    }

    /// Whether there is a quota on it.
    pub(super) fn is_metered(self) -> bool {
        matches!(self, Self::Metered | Self::MeteredByTool)
    }

    /// Whether it may be answered so.
    pub(super) fn allows(self, status: u16) -> bool {
        match self {
            Self::Absent => status == 404,
            Self::Denied | Self::DeniedByTool => status == 403,
            Self::Failing | Self::FailingByTool => status == 503,
            Self::Metered | Self::MeteredByTool => [200, 429].contains(&status),
            Self::Nobody | Self::NobodyByTool => status == 401,
            Self::Garbage => status == 400,
            Self::Left
            | Self::List
            | Self::Read
            | Self::ReadByTool
            | Self::Streamed
            | Self::Token
            | Self::Write
            | Self::WriteByTool => status == 200,
        }
    }

    /// The request, which says its number as the trace that it is part of, so that all that is recorded of
    /// it says that, too.
    pub(super) fn request(self, number: u64, clients: &Clients) -> String {
        let traced = format!("\r\ntraceparent: 00-{number:032x}-{number:016x}-01\r\n");
        self.untraced(number, clients).replacen("\r\n", &traced, 1)
    }

    fn untraced(self, number: u64, clients: &Clients) -> String {
        let Clients { app, agent, metered, nobody, token } = clients;
        let (target, arguments) = (format!("/shop/orders/{number}"), json!({"id": number}));
        match self {
            Self::Absent => app.bare_request("GET", &format!("/shop/nothing/{number}")),
            Self::Denied => agent.bare_request("DELETE", &target),
            Self::DeniedByTool => agent.tool_request("shop_put_order", &arguments),
            Self::Failing => app.bare_request("GET", &format!("{target}/busy")),
            Self::FailingByTool => app.tool_request("shop_get_busy", &arguments),
            Self::Garbage => format!("GARBAGE {number}\r\n\r\n"),
            Self::Left => app.bare_request("GET", &format!("{target}/events")),
            Self::List => agent.list_request(),
            Self::Metered => metered.bare_request("GET", &target),
            Self::MeteredByTool => metered.tool_request("shop_get_order", &arguments),
            Self::Nobody => nobody.bare_request("GET", &target),
            Self::NobodyByTool => nobody.tool_request("shop_get_order", &arguments),
            Self::Read => agent.bare_request("GET", &target),
            Self::ReadByTool => agent.tool_request("shop_get_order", &arguments),
            Self::Streamed => app.bare_request("GET", &format!("{target}/pieces")),
            Self::Token => nobody.form_request("/oauth/token", token),
            Self::Write => app.bare_request("PUT", &target),
            Self::WriteByTool => app.tool_request("shop_delete_order", &arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sorts_come_from_some_number_on_and_plain_ones_before() {
        let sorts = |from: u64| -> Vec<_> {
            let mut sorts: Vec<_> =
                (0..SELDOM).map(|it| Sort::of(from.saturating_add(it))).collect();
            sorts.sort();
            sorts.dedup();
            sorts
        };
        let sorted = |sorts: &[Sort]| {
            let mut sorts = sorts.to_vec();
            sorts.sort();
            sorts
        };
        assert_eq!(sorts(0), sorted(Sort::plain()));
        assert_eq!(sorts(ALL_FROM), sorted(Sort::ALL));
    }
}
