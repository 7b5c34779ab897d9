//! The few pages that people see: plain, server-rendered, without scripts.

mod account;
mod consent;
mod device;
mod frame;
mod message;
mod second_factor;
mod sign_in;
mod text;

use model::Effect;

pub(crate) use self::{
    account::account,
    consent::consent,
    device::device,
    message::message,
    second_factor::{code, enrolment, recovery_codes},
    sign_in::sign_in,
};

/// Where a form goes, and what proves that this browser was shown it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FormView<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) authorization: &'a str,
}

/// Where a program is known from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KnownBy<'a> {
    /// It says that it is the command line of this door, which everybody has.
    CommandLine,
    /// It describes itself, at this host.
    Document { host: &'a str },
    /// It registered itself: nobody vouches for its name.
    Itself,
    /// The operators of this door know it.
    Registered,
}

/// A program that asks.
#[derive(Debug)]
pub(crate) struct ClientView<'a> {
    /// What it calls itself: hostile.
    pub(crate) name: &'a str,
    /// Where people are sent back to.
    pub(crate) host: String,
    pub(crate) known_by: KnownBy<'a>,
    /// Whether that is a program on this computer.
    pub(crate) is_loopback: bool,
    /// The address of the device that asks, where nobody is sent back.
    pub(crate) device: Option<&'a str>,
}

/// What people sign in for.
#[derive(Debug)]
pub(crate) enum Purpose<'a> {
    /// To see what they allowed.
    Account,
    /// For the program that sent them.
    Client(ClientView<'a>),
    /// To type the code of a device.
    Device,
}

/// Somebody who signs people in.
#[derive(Debug)]
pub(crate) struct ProviderView {
    /// What its button says.
    pub(crate) label: String,
    /// Where the button's form goes.
    pub(crate) action: String,
    /// Where the browser goes from there: an origin.
    pub(crate) target: Option<String>,
}

/// What the page to sign in shows.
#[derive(Debug)]
pub(crate) struct SignInView<'a> {
    pub(crate) door: &'a str,
    pub(crate) purpose: Purpose<'a>,
    pub(crate) has_local: bool,
    /// Who else signs people in.
    pub(crate) providers: &'a [ProviderView],
    pub(crate) form: FormView<'a>,
    /// What was typed before.
    pub(crate) name: &'a str,
    pub(crate) problem: Option<&'a str>,
}

/// What the page for the code of a device shows.
#[derive(Debug)]
pub(crate) struct DeviceView<'a> {
    pub(crate) door: &'a str,
    pub(crate) person: &'a str,
    /// What a link brought along, or was typed before.
    pub(crate) code: &'a str,
    pub(crate) form: FormView<'a>,
    pub(crate) problem: Option<&'a str>,
}

/// An operation, for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperationView<'a> {
    pub(crate) summary: &'a str,
    pub(crate) effect: Effect,
}

/// The operations of a collection.
#[derive(Debug)]
pub(crate) struct CollectionView<'a> {
    pub(crate) title: &'a str,
    pub(crate) operations: &'a [OperationView<'a>],
}

/// What the page to decide on shows.
#[derive(Debug)]
pub(crate) struct ConsentView<'a> {
    pub(crate) door: &'a str,
    /// Whether another one was decided on.
    pub(crate) is_changed: bool,
    pub(crate) client: ClientView<'a>,
    pub(crate) person: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) collections: &'a [CollectionView<'a>],
    pub(crate) scopes: &'a str,
    pub(crate) lifetime: &'a str,
    pub(crate) form: FormView<'a>,
    /// Names what is shown.
    pub(crate) offer: &'a str,
    pub(crate) sign_out: &'a str,
    /// Where it can be taken back, below the door.
    pub(crate) account: &'a str,
    /// Where the browser goes from here: an origin, or a scheme.
    pub(crate) target: Option<String>,
}

/// What the page for a second factor shows.
#[derive(Debug)]
pub(crate) struct CodeView<'a> {
    pub(crate) door: &'a str,
    pub(crate) form: FormView<'a>,
    /// Names who has shown the password.
    pub(crate) step: &'a str,
    pub(crate) problem: Option<&'a str>,
}

/// What the page to set one up shows. No Debug: the secret is in it.
pub(crate) struct EnrolmentView<'a> {
    pub(crate) door: &'a str,
    pub(crate) form: FormView<'a>,
    /// Names who has shown the password, where they are not signed in yet.
    pub(crate) step: Option<&'a str>,
    /// Names the secret.
    pub(crate) ticket: &'a str,
    /// What an app reads.
    pub(crate) address: &'a str,
    /// The secret, as it is typed by hand.
    pub(crate) secret: &'a str,
    pub(crate) problem: Option<&'a str>,
}

/// What the page with recovery codes shows. No Debug, either.
pub(crate) struct RecoveryView<'a> {
    pub(crate) codes: &'a [String],
    /// Where people go on.
    pub(crate) next: &'a str,
}

/// The second factor of an account, on the page of its own.
#[derive(Debug)]
pub(crate) struct FactorView {
    /// Since when there is one.
    pub(crate) since: Option<String>,
    /// Whether only operators take it away.
    pub(crate) is_required: bool,
}

/// What a program may do in a person's name.
#[derive(Debug)]
pub(crate) struct AllowedView<'a> {
    /// Its id.
    pub(crate) client: &'a str,
    /// What it calls itself: hostile.
    pub(crate) name: String,
    /// Where people were sent back to.
    pub(crate) host: String,
    /// By collection, in words: `read, change`.
    pub(crate) what: Vec<(String, String)>,
    pub(crate) scopes: String,
    /// When the person allowed it; none where they were not asked.
    pub(crate) since: Option<String>,
    /// None: nothing of it is left.
    pub(crate) until: Option<String>,
}

/// A browser in which a person is signed in.
#[derive(Debug)]
pub(crate) struct SessionView<'a> {
    pub(crate) id: &'a str,
    pub(crate) since: String,
    pub(crate) from: String,
    pub(crate) is_this: bool,
}

/// What the page of a person's own shows.
#[derive(Debug)]
pub(crate) struct AccountView<'a> {
    pub(crate) door: &'a str,
    pub(crate) person: &'a str,
    pub(crate) allowed: &'a [AllowedView<'a>],
    /// Whether these are the first.
    pub(crate) is_first: bool,
    /// Where there are more, if there are.
    pub(crate) next: Option<String>,
    pub(crate) sessions: &'a [SessionView<'a>],
    /// None where somebody else signs them in.
    pub(crate) second_factor: Option<FactorView>,
    pub(crate) form: FormView<'a>,
}
