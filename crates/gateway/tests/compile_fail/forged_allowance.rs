//! Nobody but `limits` makes an allowance.

fn main() {
    let _ = limits::Allowance {};
}
