//! What a call is by its number, who makes it, and how it may be answered.

use serde_json::json;

use super::super::client::Client;

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
    Write,
    WriteByTool,
}

impl Sort {
    /// In the order of the numbers.
    pub(super) const ALL: [Self; 14] = [
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
    ];

    pub(super) fn of(number: u64) -> Self {
        let index = number.checked_rem(Self::ALL.len().try_into().unwrap_or(1));
        let index = index.and_then(|it| usize::try_from(it).ok()).unwrap_or_default();
        Self::ALL.get(index).copied().unwrap_or(Self::Read)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Absent => "of what is not there",
            Self::Denied => "denied",
            Self::DeniedByTool => "denied tools",
            Self::Failing => "failed upstream",
            Self::FailingByTool => "tools failed upstream",
            Self::List => "lists",
            Self::Metered => "metered",
            Self::MeteredByTool => "metered tools",
            Self::Nobody => "without a key",
            Self::NobodyByTool => "tools without a key",
            Self::Read => "reads",
            Self::ReadByTool => "reads by tools",
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
                    | Self::Read
                    | Self::ReadByTool
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
            Self::List | Self::Read | Self::ReadByTool | Self::Write | Self::WriteByTool => {
                status == 200
            }
        }
    }

    pub(super) fn request(
        self,
        number: u64,
        [app, agent, metered, nobody]: &[Client; 4],
    ) -> String {
        let (target, arguments) = (format!("/shop/orders/{number}"), json!({"id": number}));
        match self {
            Self::Absent => app.bare_request("GET", &format!("/shop/nothing/{number}")),
            Self::Denied => agent.bare_request("DELETE", &target),
            Self::DeniedByTool => agent.tool_request("shop_put_order", &arguments),
            Self::Failing => app.bare_request("GET", &format!("{target}/busy")),
            Self::FailingByTool => app.tool_request("shop_get_busy", &arguments),
            Self::List => agent.list_request(),
            Self::Metered => metered.bare_request("GET", &target),
            Self::MeteredByTool => metered.tool_request("shop_get_order", &arguments),
            Self::Nobody => nobody.bare_request("GET", &target),
            Self::NobodyByTool => nobody.tool_request("shop_get_order", &arguments),
            Self::Read => agent.bare_request("GET", &target),
            Self::ReadByTool => agent.tool_request("shop_get_order", &arguments),
            Self::Write => app.bare_request("PUT", &target),
            Self::WriteByTool => app.tool_request("shop_delete_order", &arguments),
        }
    }
}
