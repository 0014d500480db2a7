//! `fsck`

use serde_json::json;

use super::Error;
use super::arguments::Fsck;
use super::console::Console;
use super::reader;
use crate::snapshot::ForeignCommit;

/// Proves the stored tables, and fails if one of them is not as it should be.
pub async fn run(command: Fsck, console: &Console) -> Result<(), Error> {
    let (engine, _) = reader::local(&command.kept.settings)?;
    let connection = engine.namespace().connection(command.kept.connection.as_deref())?;
    let mut faulty = 0;
    for table in reader::stored_tables(connection, &command.tables)? {
        let proof = connection.stored(table)?.prove(table).await?;
        if command.tables.is_empty() && proof.versions == 0 {
            continue;
        }
        faulty += usize::from(!proof.findings.is_empty());
        if command.kept.json {
            let findings = proof.findings.iter();
            let findings = findings.map(|it| json!({ "version": it.version, "what": it.what }));
            let line = json!({
                "connection": *connection.name,
                "table": *table.name,
                "versions": proof.versions,
                "rows": proof.rows,
                "findings": findings.collect::<Vec<_>>(),
                "foreign": proof.foreign,
            });
            console.result(&line.to_string())?;
            continue;
        }
        let verdict = if proof.findings.is_empty() { "sound" } else { "not sound" };
        console.result(&format!(
            "{}: {} versions, {} rows, {verdict}",
            table.name, proof.versions, proof.rows
        ))?;
        for finding in &proof.findings {
            console.result(&format!("  version {}: {}", finding.version, finding.what))?;
        }
        if let Some(told) = ForeignCommit::told(&proof.foreign) {
            console.result(&format!("  {told}"))?;
        }
    }
    if faulty > 0 { Err(Error::Unsound { tables: faulty }) } else { Ok(()) }
}
