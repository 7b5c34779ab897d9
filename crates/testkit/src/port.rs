//! Ports for real servers, which stay free while these are started anew.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// Ports below are often other programs'.
const PORT_MIN: u16 = 10_000;
/// Which port is looked at next, among those of this process.
static NEXT_PORT: AtomicU32 = AtomicU32::new(0);

/// A port of this machine that nobody listens at, and that stays free while its server is gone: the
/// system gives the ports of its own range to whoever connects to something.
#[must_use]
pub fn free_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    // Each asks for another, and two programs hardly for the same.
    let offset = process::id().wrapping_mul(64).wrapping_add(NEXT_PORT.fetch_add(1, Relaxed));
    let room = u32::from(first.saturating_sub(PORT_MIN).max(1));
    let mut ports = (0..room).map(|step| {
        let step = offset.wrapping_add(step).checked_rem(room).unwrap_or(0);
        PORT_MIN.saturating_add(u16::try_from(step).unwrap())
    });
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(is_free).expect("no port below the system's own is free")
}
