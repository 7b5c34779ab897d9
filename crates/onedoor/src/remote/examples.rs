//! What stands in the help besides what follows from the operations: a word on nouns, and examples.

/// What the commands of a noun are about.
pub(super) const NOUNS: [(&str, &str); 27] = [
    ("access", "Who may call what, and by which rule"),
    ("admission", "Which clients that nobody registered are let in, and as what"),
    ("audit", "Records of calls"),
    ("audit_key", "What signs the audit log: another key follows it"),
    ("audit_purge", "Old segments of the audit log go when two people want it"),
    ("client", "Registered consumers and their profiles"),
    ("collection", "Operations published together, over one upstream"),
    ("consent", "What people allowed clients, and taking it back"),
    ("credential", "Proofs that lead to a profile"),
    ("delivery", "What webhooks were not told yet"),
    ("grant", "What clients were given for people, and its end"),
    ("guard", "Conditions over what roles allow"),
    ("health", "How the door is"),
    ("issuer", "Whose signed tokens are believed"),
    ("limit", "Rates and quotas, and what was used of them"),
    ("operation", "What can be called"),
    ("pepper", "Under what keys are hashed, and how many are"),
    ("registration", "Clients that nobody registered, and how old their secrets are"),
    ("revision", "The history of all changes, and the way back"),
    ("role", "Named sets of permissions"),
    ("secret", "What the door shows to upstreams"),
    ("sign_in", "In which browsers people are signed in"),
    ("signing_key", "What signs tokens: a successor in time, and an end at once"),
    ("state", "All documents at once, as JSON; onedoor export, diff and apply are for people"),
    ("stop", "The kill switch: who may not call, and what may not be called, from now on"),
    ("upstream", "Where operations are carried out"),
    ("user", "People with an account of this door"),
];

/// Examples for the help of an operation.
pub(super) fn of(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "put_client" => PUT_CLIENT,
        "list_clients" => {
            "  \
  onedoor client list --filter kind=agent,owner=support-team --sort -id
  onedoor client list --all --json"
        }
        "issue_credential" => {
            "  \
  onedoor credential issue --profile shop-agent/default --expires 90d
  onedoor credential issue --profile shop-agent/default --json    .key is the key, shown this once"
        }
        "rotate_credential" => ROTATE_CREDENTIAL,
        "add_secret_version" => {
            "  \
  onedoor secret set stock-key <stock-key.txt
  onedoor secret set stock-key --value-file stock-key.txt --pending

One line end is taken off. The value is never an argument: others could read it."
        }
        "report_found_credential" => {
            "  \
  onedoor credential report <found.txt --reason \"in a public repository\"
  onedoor credential report --key-file found.txt

The key is never an argument: others could read it."
        }
        "list_credential_ages" => "  onedoor credential ages --due",
        "import_collection" => {
            "  \
  onedoor collection import --id orders --owner shop-team \\
    --upstream https://orders.internal --document-file orders.yaml --publish"
        }
        "list_deliveries" => "  onedoor delivery list --webhook ops --state dead",
        "explain_access" => {
            "  onedoor access explain --profile shop-agent/default --operation orders.get_order"
        }
        "rotate_signing_key" => {
            "  \
  onedoor signing_key rotate               published now, signs in 15 minutes
  onedoor signing_key rotate --ahead 1h    where others keep the key set for longer"
        }
        "withdraw_signing_key" => {
            "  \
  onedoor signing_key list
  onedoor signing_key withdraw 0f2b60bdeeb64f0d9f1ddb0dbb2ff2d0"
        }
        "put_stop" => STOP,
        "compare_revisions" => "  onedoor revision compare --from 41 --to 42",
        "rollback_revision" => "  onedoor revision rollback 41 --reason \"42 locked the shop out\"",
        _ => return of_what_was(operation),
    })
}

/// Of what was recorded, and what was given to people and clients.
fn of_what_was(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "query_audit" => QUERY_AUDIT,
        "list_audit_proofs" => "  onedoor audit proofs --records 4711,4712 --json",
        "get_audit_body" => BODY,
        "forget_subject" => FORGET,
        "propose_audit_purge" => PURGE,
        "rotate_audit_key" => AUDIT_KEY,
        "revoke_grants" => REVOKE_GRANTS,
        "revoke_consent" => {
            "  onedoor consent revoke --person local:ann --client https://agent.example.com/client.json"
        }
        "end_sign_ins" => "  onedoor sign_in end --person local:ann",
        "delete_registration" => {
            "  onedoor registration delete dyn-4f0c1d2e3b5a49788c6d7e8f90a1b2c3"
        }
        _ => return None,
    })
}

const PUT_CLIENT: &str = "  \
  onedoor client put shop-agent -f clients/shop-agent.yaml
  onedoor client get shop-agent >it.yaml, then edit it, then
  onedoor client put shop-agent -f it.yaml --reason \"a new owner\"
  onedoor client put shop-app --kind app --owner shop-team --if-none-match '*'";

const ROTATE_CREDENTIAL: &str = "  \
  onedoor credential rotate shop-agent-default-1f0c5a2e --overlap 7d
  onedoor credential retire shop-agent-default-1f0c5a2e    when nobody uses it any more

  onedoor credential rotate shop-agent-default-1f0c5a2e --wait >key
                                  both: it retires the old one when the new one is used and
                                  the old one was not for a day
  onedoor credential rotate shop-agent-default-1f0c5a2e --wait --unused-for 2h
  onedoor credential rotate shop-agent-default-1f0c5a2e --wait --again >key
                                  where an earlier run was broken off and nobody has its key";

const QUERY_AUDIT: &str = "  \
  onedoor audit query --client shop-agent --since 2027-01-31T12:00:00Z
  onedoor audit query --decision deny --kind call --limit 20
  onedoor audit query --text example.com --order oldest --all --json

What follows a log is `onedoor audit tail`, what writes much of it `onedoor audit export`.";

const REVOKE_GRANTS: &str = "  \
  onedoor grant list --person local:ann
  onedoor grant revoke --id 4f0c1d2e3b5a49788c6d7e8f90a1b2c3
  onedoor grant revoke --person corp:00u1a2b3       all that was given for one person
  onedoor grant revoke --client https://agent.example.com/client.json";

const STOP: &str = "  \
  onedoor stop put leaked --client shop-agent --because \"its key is on a paste site\"
  onedoor stop put wild --agents all --because \"they run wild\"
  onedoor stop put lost --person corp:00u1a2b3 --because \"their laptop was stolen\"
  onedoor stop put rogue --client-id https://agent.example.com/client.json --because \"it spams\"
  onedoor stop delete wild                 lets them go on";

const AUDIT_KEY: &str = "  \
  onedoor audit_key rotate --reason \"once a year\"
  onedoor audit check                      its keys, the oldest first: give all to who checks the log";

const BODY: &str = "  \
  onedoor audit body 01941f29-7c00-7aaa-8bbb-0123456789ab response
  onedoor audit body 01941f29-7c00-7aaa-8bbb-0123456789ab request --json";

const FORGET: &str = "  \
  onedoor audit forget --kind customer --id 42 --reason \"erasure request 17\"
  onedoor audit forget --kind user --id corp:00u1a2b3 --reason \"erasure request 18\"";

const PURGE: &str = "  \
  onedoor audit_purge list                     what waits, and which segments are closed
  onedoor audit_purge propose --older-than 400d --reason \"kept for 13 months\"
  onedoor audit_purge approve ID               by another person, within 24 hours";

pub(super) const COMPLETIONS: &str = "\
Examples:
  onedoor completions bash >~/.local/share/bash-completion/completions/onedoor
  onedoor completions zsh >~/.zfunc/_onedoor
  onedoor completions fish >~/.config/fish/completions/onedoor.fish";

/// What is said at the end of the help of the whole.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  faults were found, or it could not be carried out
  2  the command line is wrong
  3  there is drift (diff)
  4  there is no credential, or the door refused it (401, 403)
  5  there is no such thing (404)
  6  something stands in the way, or was changed in the meantime (409, 412)
  7  what was sent is wrong (422)";

pub(super) const EVIDENCE: &str = "\
Examples:
  onedoor login --url https://door.example.com:8081         an auditor's login is enough
  onedoor audit evidence --from 2027-01-01 --until 2027-04-01 --out evidence-2027-q1
  (cd evidence-2027-q1 && sha256sum --check SHA256SUMS)
  onedoor audit verify-proof evidence-2027-q1/proofs/4711.tlog-proof --key evidence-2027-q1/audit.pub

Who may what, ages and rotations of credentials, refusals, changes of configuration with their
differences, what vouches for the audit log, and proofs of the records of changes and refusals, 1,000
at most: an index.html that can be printed, and the same as CSV and JSON. Exit code 1: the door found that its audit log is damaged; all is written all the same.";

pub(super) const EXPORT: &str = "\
Examples:
  onedoor export state                      into a new or an empty folder
  onedoor export state --force --prune      make the folder like the running door

The files are those that `onedoor serve --state` reads, byte for byte. The HMACs of API keys are
among them, and no secret.";

pub(super) const DIFF: &str = "\
Examples:
  onedoor diff -f state                     what would `onedoor apply -f state` change?
  onedoor diff -f state >/dev/null || echo drift

Exit code 0: no drift, 3: drift, others: see `onedoor --help`.";

pub(super) const APPLY: &str = "\
Examples:
  onedoor apply -f state --dry-run          check everything, change nothing
  onedoor apply -f state --reason \"orders are open to partners\"
  onedoor apply -f state --prune            what is not in the folder goes, too

All changes are one revision, or nothing is changed at all.";
