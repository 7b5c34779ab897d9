//! Reads an OpenAPI document in JSON from standard input and says what came of it.
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::{error::Error, io, sync::Arc};

use contract::Document;

fn main() -> Result<(), Box<dyn Error>> {
    let value = serde_json::from_str(&io::read_to_string(io::stdin())?)?;
    let document = Document::read(&Arc::new(value))?;
    let operations = document.operations();
    let size = |schemas: &mut dyn Iterator<Item = &serde_json::Value>| {
        schemas.map(|it| it.to_string().len()).sum::<usize>()
    };
    println!(
        "{} operations, {} warnings, {} bytes of input schemas, {} bytes of output schemas",
        operations.len(),
        document.warnings().len(),
        size(&mut operations.iter().map(|it| &it.input_schema)),
        size(&mut operations.iter().filter_map(|it| it.output_schema.as_ref())),
    );
    for warning in document.warnings() {
        println!("{}: {}", warning.pointer, warning.message);
    }
    Ok(())
}
