//! Nobody but `policy` makes a permit.

fn main() {
    let _ = policy::Permit { rule: "mine".into() };
}
