//! The rules of the house, as data. Who changes the architecture changes them here first.

/// The rules of the house.
#[derive(Debug)]
pub(crate) struct House {
    /// Ground floor first. A crate imports only from floors below its own.
    pub(crate) floors: &'static [&'static [&'static str]],
    /// Crates beside the house: they may import any, and only tests may import them.
    pub(crate) beside: &'static [&'static str],
    /// Imports that are wrong wherever the two may stand, in tests as well.
    pub(crate) never: &'static [Never],
    /// Dependencies that live in few crates.
    pub(crate) homes: &'static [Home],
    /// What may not be mentioned where.
    pub(crate) walls: &'static [Wall],
    /// Names that say nothing.
    pub(crate) empty_names: &'static [&'static str],
    /// Texts that no committed file may hold.
    pub(crate) banned_texts: &'static [Banned],
    /// Longest file, in lines before its tests.
    pub(crate) file_lines_max: usize,
}

/// `from` must never import any of `to`.
#[derive(Debug)]
pub(crate) struct Never {
    pub(crate) from: &'static [&'static str],
    pub(crate) to: &'static [&'static str],
    pub(crate) because: &'static str,
}

/// Only `crates` may depend on any of `dependencies`.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dependencies: &'static [&'static str],
    pub(crate) crates: &'static [&'static str],
}

/// Sources inside one place must not mention a path of the language.
#[derive(Debug)]
pub(crate) struct Wall {
    /// Files and folders this holds for, without `.rs`.
    pub(crate) inside: &'static [&'static str],
    /// Files and folders within them that are left out.
    pub(crate) except: &'static [&'static str],
    /// Paths, as after all imports are resolved: `std::env`; `.expose` is a method of any type.
    pub(crate) never: &'static [&'static str],
    /// What to do instead.
    pub(crate) instead: &'static str,
}

/// A text that no committed file may hold.
#[derive(Debug)]
pub(crate) struct Banned {
    pub(crate) text: &'static str,
    pub(crate) instead: &'static str,
}

/// The house as it stands.
pub(crate) const HOUSE: House = House {
    floors: &[
        &["model"],
        &[
            "audit", "contract", "identity", "limits", "mcp", "policy", "secrets", "state",
            "store", "upstream",
        ],
        &["admin", "gateway", "oauth", "sinks"],
        &["onedoor"],
    ],
    beside: &["testkit", "xtask"],
    never: &[
        Never {
            from: &["mcp", "contract"],
            to: &["identity", "limits", "policy"],
            because: "a protocol decides nothing",
        },
        Never {
            from: &["gateway"],
            to: &["admin", "secrets", "store"],
            because: "the data plane serves with the database down",
        },
        Never {
            from: &["secrets"],
            to: &["store"],
            because: "who opens secrets does not hold the rows",
        },
        Never {
            from: &["store"],
            to: &["secrets"],
            because: "who holds the rows cannot open them",
        },
    ],
    homes: &[
        Home {
            dependencies: &["aws-lc-rs"],
            crates: &[
                "audit", "gateway", "identity", "oauth", "onedoor", "secrets", "sinks", "testkit",
            ],
        },
        Home { dependencies: &["async-nats"], crates: &["sinks", "testkit"] },
        Home { dependencies: &["jsonschema", "schemars"], crates: &["admin"] },
        Home { dependencies: &["jsonwebtoken"], crates: &["identity"] },
        Home { dependencies: &["cedar-policy"], crates: &["policy"] },
        Home { dependencies: &["flate2"], crates: &["audit", "sinks"] },
        Home { dependencies: &["object_store", "rdkafka"], crates: &["sinks"] },
        Home { dependencies: &["prometheus-client"], crates: &["onedoor"] },
        Home { dependencies: &["crc-fast", "memchr", "rustix"], crates: &["audit"] },
        Home { dependencies: &["redis"], crates: &["limits"] },
        Home { dependencies: &["rusqlite", "sqlx"], crates: &["store"] },
        Home {
            dependencies: &["hyper", "hyper-util"],
            crates: &["gateway", "onedoor", "testkit", "upstream"],
        },
        Home { dependencies: &["argon2", "maud", "qrcodegen"], crates: &["oauth"] },
        Home { dependencies: &["matchit"], crates: &["gateway"] },
        Home { dependencies: &["notify", "toml", "tracing-subscriber"], crates: &["onedoor"] },
        Home { dependencies: &["clap"], crates: &["onedoor", "xtask"] },
        Home {
            dependencies: &["rustls", "tokio-rustls"],
            crates: &["gateway", "testkit", "upstream"],
        },
        Home { dependencies: &["rustls-native-certs"], crates: &["upstream"] },
        Home { dependencies: &["scc"], crates: &["identity", "limits", "mcp"] },
        Home { dependencies: &["serde-saphyr"], crates: &["state"] },
        Home { dependencies: &["x509-parser"], crates: &["gateway"] },
    ],
    walls: WALLS,
    empty_names: &[
        "common", "helper", "helpers", "manager", "managers", "misc", "prelude", "util", "utils",
    ],
    banned_texts: &[
        Banned { text: concat!("/", "home", "/"), instead: HOME_INSTEAD },
        Banned { text: concat!("/", "root", "/"), instead: HOME_INSTEAD },
        Banned { text: concat!("/", "Users", "/"), instead: HOME_INSTEAD },
    ],
    file_lines_max: 400,
};

const HOME_INSTEAD: &str = "write a path relative to the project, or $HOME";

const WALLS: &[Wall] = &[
    Wall {
        inside: &["crates/gateway/src/pipeline"],
        except: &[],
        never: &["crate::edge", "crate::surface"],
        instead: "the pipeline knows no surface: hand it what it needs as an argument",
    },
    Wall {
        inside: &["crates/gateway/src/surface"],
        except: &[],
        never: &["limits", "policy"],
        instead: "a surface decides nothing: ask crate::pipeline",
    },
    Wall {
        inside: &["crates"],
        // What is installed for tests is found in the home folder.
        except: &["crates/onedoor", "crates/testkit"],
        never: &["std::env"],
        instead: "only the binary reads the environment: take a checked value as an argument",
    },
    Wall {
        inside: &["crates", "xtask"],
        except: &["crates/model/src/clock"],
        never: &["std::time::Instant::now", "std::time::SystemTime::now"],
        instead: "take a model::Clock, so that tests own the time",
    },
    Wall {
        inside: &["crates", "xtask"],
        except: &[
            // The one answer that shows a key that was just made.
            "crates/admin/src/operations/credential/issue",
            // A key that was found is looked up.
            "crates/admin/src/operations/credential/found",
            // The keys that bodies are sealed under.
            "crates/audit/src/bodies/keys",
            // The private key of a listener, which rustls takes.
            "crates/gateway/src/edge/tls",
            "crates/identity",
            // Where secrets that clients and people show are checked, and keys are loaded.
            "crates/oauth/src/client/authenticate",
            // The one answer that shows a client the secret that it registered with.
            "crates/oauth/src/client/register",
            "crates/oauth/src/password",
            "crates/oauth/src/provider",
            "crates/oauth/src/second_factor",
            "crates/oauth/src/signing",
            "crates/onedoor",
            "crates/secrets",
            // What receivers are shown, and by what webhooks are signed.
            "crates/sinks/src/kafka",
            "crates/sinks/src/nats",
            "crates/sinks/src/s3",
            "crates/sinks/src/signature",
            // The password of its own database.
            "crates/store/src/database/connect",
            "crates/testkit",
            "crates/upstream",
        ],
        never: &[".expose", "model::Secret::expose", "model::secret::Secret::expose"],
        instead: "a secret is laid open only where it is verified, injected, or shown once",
    },
    Wall {
        inside: &[
            "crates/contract",
            "crates/limits",
            "crates/mcp",
            "crates/model",
            "crates/policy",
            "crates/state",
        ],
        except: &[],
        never: &["std::fs", "std::net::TcpStream", "std::process", "tokio::fs", "tokio::net"],
        instead: "this crate is pure: let a floor above do the reading and writing",
    },
    Wall {
        inside: &["crates"],
        except: &["crates/audit/src/recorded", "crates/gateway/src/surface/mcp/call"],
        never: &["audit::Recorded::given_up"],
        instead: "an answer goes out behind its record: take one of the ledger's",
    },
    Wall {
        inside: &["crates"],
        except: &["crates/audit/src/recorded", "crates/gateway/src/pipeline/ledger"],
        never: &["audit::Recorded::counted"],
        instead: "an answer goes out behind its record: take one of the ledger's",
    },
    Wall {
        inside: &["crates/gateway"],
        // There it is a clearance that is settled.
        except: &["crates/gateway/src/pipeline/authorize"],
        never: &[".settle"],
        instead: "that blocks a worker for as long as the disk takes: wait for Entry::stored",
    },
    Wall {
        inside: &["crates/policy"],
        except: &[],
        never: &["model::Clock", "model::clock", "tokio"],
        instead: "a decision depends on its arguments alone: no clock, nothing to wait for",
    },
];
