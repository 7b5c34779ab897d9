//! Seals, versions and finds the secrets that the door shows to upstreams. Never stores.
