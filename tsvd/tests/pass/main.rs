//! `main` has no caller that could be handed on.

#[tsvd::update(resource = "process")]
fn main() -> Result<(), String> {
    let text = "5".to_owned();
    let number: u8 = text.parse().map_err(|_| text)?;
    assert_eq!(number, 5);
    Ok(())
}
