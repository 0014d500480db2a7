//! The prompt of `query`: statements, typed one after another.

use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::console::Console;
use super::output::Output;
use super::reader::Reader;
use super::{Error, query};
use crate::error::Report;
use crate::query::Statement;

/// What is typed at the prompt and is no SQL.
const HELP: &str = "\
statements end with `;`\n  \
\\d          the tables\n  \
\\d TABLE    the columns of a table\n  \
\\dn         the schemas\n  \
\\x TEXT     what a statement would ask of Graph\n  \
\\q          leave";

/// What was typed means.
enum Typed {
    Nothing,
    Leave,
    Help,
    Statement(String),
    /// It goes on on the next line.
    More,
}

/// Answers statements until the end of input, or `\q`. A statement that fails is told and does not
/// end the prompt.
///
/// # Errors
///
/// [`Error::Prompt`] if the terminal cannot be read.
pub async fn run(
    reader: &mut Reader,
    catalog: Option<String>,
    output: &Output,
    console: &Console,
) -> Result<(), Error> {
    let mut editor = DefaultEditor::new().map_err(unread)?;
    let history = history();
    if let Some(path) = &history {
        // There is none at the first start.
        let _ = editor.load_history(path);
    }
    console.note("statements end with `;`; `\\?` shows what else there is");
    let mut text = String::new();
    loop {
        let mark = if text.is_empty() { "entra> " } else { "   ... " };
        let line = match editor.readline(mark) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                text.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unread(error)),
        };
        text.push_str(&line);
        let meant = meaning(&text);
        if matches!(meant, Typed::More) {
            text.push('\n');
            continue;
        }
        if !text.trim().is_empty() {
            let _ = editor.add_history_entry(text.trim());
        }
        text.clear();
        match meant {
            Typed::Nothing | Typed::More => {}
            Typed::Leave => break,
            Typed::Help => console.note(HELP),
            Typed::Statement(text) => {
                let statement = Statement { catalog: catalog.clone(), ..Statement::new(text) };
                if let Err(error) = query::answer(reader, statement, output, console).await {
                    console.note(&format!("error: {}", Report::new(&error, error.hint())));
                }
            }
        }
    }
    if let Some(path) = &history {
        // A history that cannot be kept is no reason to fail.
        let _ = editor.save_history(path);
    }
    Ok(())
}

fn unread(error: ReadlineError) -> Error {
    Error::Prompt(Box::new(error))
}

/// Where what was typed is kept.
fn history() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(PathBuf::from(home).join(".entra-flight_history"))
}

fn meaning(text: &str) -> Typed {
    let trimmed = text.trim();
    let (word, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    let rest = rest.trim().trim_end_matches(';').trim();
    match word.trim_end_matches(';') {
        "" if trimmed.is_empty() => Typed::Nothing,
        "\\q" | "exit" | "quit" if rest.is_empty() => Typed::Leave,
        "\\?" | "help" if rest.is_empty() => Typed::Help,
        "\\d" if rest.is_empty() => {
            let text = "select \"table\", columns, description from system.tables";
            Typed::Statement(text.to_owned())
        }
        "\\d" => Typed::Statement(format!("describe {rest}")),
        "\\dn" => {
            let text = "select distinct table_schema from information_schema.tables order by 1";
            Typed::Statement(text.to_owned())
        }
        "\\x" if !rest.is_empty() => Typed::Statement(format!("explain {rest}")),
        other if other.starts_with('\\') => Typed::Help,
        _ if trimmed.ends_with(';') => {
            Typed::Statement(trimmed.trim_end_matches(';').trim().to_owned())
        }
        _ => Typed::More,
    }
}
