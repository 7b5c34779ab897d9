//! Nobody answers behind a record that was not written.

fn main() {
    let receipt = audit::Receipt(());
    let _ = receipt.behind("an answer");
}
