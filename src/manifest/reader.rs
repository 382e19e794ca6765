//! One reading: every file's documents, then the variables, then the envelopes.
//!
//! Must not know: any kind but `Defaults`, which is consumed here.

use std::ops::Range;
use std::sync::Arc;

use super::finding::{At, Fault};
use super::foreign::Foreign;
use super::parse::{self, Budget, Parsed, Syntax, Tags};
use super::split::{self, Chunk};
use super::variables::Scopes;
use super::{API_VERSION, Broken, DEFAULTS_KIND, Document, Finding, Identity, Input, Locator, Place, Reading};
use super::{SETTINGS_FILE, Settings, envelope, identity, limits, locate, settings};
use crate::shape::{Path, Tree};

struct Reader {
    reading: Reading,
    budget: Budget,
    tags: Tags,
    /// What a file may have.
    file_bytes: usize,
}

/// Where a document's text is.
struct Origin {
    file: String,
    index: usize,
    text: Arc<str>,
    chunk: Chunk,
}

/// A document as its text says it, before variables.
struct Raw {
    origin: Origin,
    tree: Tree,
}

impl Origin {
    fn text(&self) -> &str {
        self.text.get(self.chunk.range.clone()).unwrap_or_default()
    }

    fn start(&self) -> Place {
        Place { line: self.chunk.line, column: self.chunk.column }
    }

    fn is_json(&self) -> bool {
        self.file.ends_with(".json")
    }

    fn locator(&self) -> Locator {
        Locator::new(self.text(), self.start(), self.is_json())
    }

    fn finding(&self, place: Place, rule: &'static str, message: String) -> Finding {
        Fault::new(Path::root(), At::Value, rule, message).placed(&self.file, place)
    }
}

pub(super) fn read(input: &Input<'_>) -> Reading {
    let mut reader = Reader::new(Budget::new(), Tags::Refused, limits::FILE_BYTES);
    for (path, why) in input.unreadable {
        reader.reading.findings.push(Finding::in_file(path, "unreadable-file", why.as_str()));
        // The settings describe no object; that they are unknown is told by `Reading::settings`.
        if path != SETTINGS_FILE {
            reader.broken(path, None, None);
        }
    }
    let mut raws = Vec::new();
    for (path, text) in input.files {
        raws.extend(reader.file(path, text));
    }
    reader.reading.settings = reader.settings(input);
    let is_defaults = |raw: &Raw| raw.tree.text("kind") == Some(DEFAULTS_KIND);
    let (defaults, others): (Vec<_>, Vec<_>) = raws.into_iter().partition(is_defaults);
    let mut scopes = Scopes::new(input.variables);
    for raw in defaults {
        reader.defaults(raw, &mut scopes);
    }
    for broken in &reader.reading.broken {
        if broken.identity.as_ref().is_none_or(|identity| identity.kind == DEFAULTS_KIND) {
            scopes.break_at(&broken.file);
        }
    }
    for raw in others {
        reader.document(raw, &scopes);
    }
    reader.reading.findings.sort();
    reader.reading
}

/// The documents of a text that is no manifest, and what is wrong with it.
pub(super) fn foreign(file: &str, text: &Arc<str>) -> (Vec<Foreign>, Vec<Finding>) {
    let mut reader = Reader::new(Budget::foreign(), Tags::Kept, limits::FOREIGN_BYTES);
    let raws = reader.file(file, text);
    let foreign = |Raw { origin, tree }: Raw| {
        let start = origin.start();
        Foreign { file: origin.file, tree, text: origin.text, range: origin.chunk.range, start }
    };
    (raws.into_iter().map(foreign).collect(), reader.reading.findings)
}

impl Reader {
    fn new(budget: Budget, tags: Tags, file_bytes: usize) -> Self {
        Self { reading: Reading::default(), budget, tags, file_bytes }
    }

    /// The documents of a file, each a tree.
    fn file(&mut self, path: &str, text: &Arc<str>) -> Vec<Raw> {
        self.budget.next_file();
        if text.len() > self.file_bytes {
            let message = format!("{} bytes; a file may have {}", text.len(), self.file_bytes);
            self.whole_file(path, "file-too-large", message);
            return Vec::new();
        }
        let chunks = chunks(path, text);
        if chunks.len() > limits::DOCUMENTS {
            let message = format!("{} documents; a file may have {}", chunks.len(), limits::DOCUMENTS);
            self.whole_file(path, "too-many-documents", message);
            return Vec::new();
        }
        let origin = |(index, chunk)| Origin { file: path.to_owned(), index, text: Arc::clone(text), chunk };
        chunks.into_iter().enumerate().map(origin).filter_map(|origin| self.parse(origin)).collect()
    }

    fn whole_file(&mut self, path: &str, rule: &'static str, message: String) {
        self.reading.findings.push(Finding::in_file(path, rule, message));
        self.broken(path, None, None);
    }

    fn broken(&mut self, file: &str, index: Option<usize>, identity: Option<Identity>) {
        self.reading.broken_files.insert(file.to_owned());
        self.reading.broken.push(Broken { file: file.to_owned(), index, identity });
    }

    /// A document's tree, if nothing at all is wrong with it and it is not empty.
    fn parse(&mut self, origin: Origin) -> Option<Raw> {
        match self.tree(&origin) {
            Ok(Tree::Null) => None,
            Ok(tree) => Some(Raw { origin, tree }),
            Err(identity) => {
                self.broken(&origin.file, Some(origin.index), identity);
                None
            }
        }
    }

    /// The tree, or whose text this could be.
    fn tree(&mut self, origin: &Origin) -> Result<Tree, Option<Identity>> {
        let text = origin.text();
        if let Some((line, column, what)) = split::odd_character(text) {
            let start = origin.start();
            let column = if line == 1 { column + start.column - 1 } else { column };
            let place = Place { line: line + start.line - 1, column };
            self.reading.findings.push(origin.finding(place, "odd-character", format!("here is {what}")));
            return Err(identity::of_text(text));
        }
        if let Some((place, what)) = (!origin.is_json()).then(|| brackets(text, origin.start())).flatten() {
            self.reading.findings.push(origin.finding(place, "too-deep", what));
            return Err(identity::of_text(text));
        }
        self.budget.next_document();
        let parsed = match origin.is_json() {
            true => parse::json(text, &self.budget),
            false => parse::yaml(text, &self.budget, self.tags),
        };
        let Parsed { tree, faults, syntax } = parsed;
        let mut clean = faults.is_empty() && syntax.is_none();
        if let Some(syntax) = syntax {
            self.reading.findings.push(syntax_finding(origin, syntax));
        }
        // Duplicate keys make it uncertain which of two names a document has.
        let named = ["kind", "metadata", "metadata.name"].map(Path::from);
        let doubtful = faults.iter().any(|fault| fault.at == At::SecondKey && named.contains(&fault.path));
        self.faults(origin, faults);
        clean &= origin.is_json() || !self.foreign_tags(origin);
        match tree {
            Some(tree) if clean => Ok(tree),
            Some(tree) if !doubtful => Err(identity::of_tree(&tree)),
            Some(_) => Err(None),
            None => Err(identity::of_text(text)),
        }
    }

    /// `!!binary` and the like, which the parser takes for plain text. Looked for only where there could be some.
    fn foreign_tags(&mut self, origin: &Origin) -> bool {
        let text = origin.text();
        if !["!!", "!<", "%TAG"].iter().any(|mark| text.contains(mark)) {
            return false;
        }
        let locator = origin.locator();
        let mut any = false;
        for (tag, place) in locator.foreign_tags() {
            any = true;
            let message = format!("the tag {tag} means nothing here");
            let finding = Finding {
                remedy: Some("write the value itself".to_owned()),
                ..origin.finding(place, "unknown-tag", message)
            };
            self.reading.findings.push(finding);
        }
        any
    }

    /// Finds the places of faults, for which the text is parsed once more.
    fn faults(&mut self, origin: &Origin, faults: Vec<Fault>) {
        if faults.is_empty() {
            return;
        }
        let locator = origin.locator();
        for fault in faults.into_iter().take(limits::FINDINGS) {
            let place = locator.find(&fault.path, fault.at);
            self.reading.findings.push(fault.placed(&origin.file, place));
        }
    }

    fn defaults(&mut self, raw: Raw, scopes: &mut Scopes<'_>) {
        let faults = match envelope::open_defaults(raw.tree) {
            Ok(vars) => scopes.define(&raw.origin.file, &vars),
            Err(faults) => faults,
        };
        if !faults.is_empty() {
            let identity = Identity { kind: DEFAULTS_KIND.to_owned(), name: String::new() };
            self.broken(&raw.origin.file, Some(raw.origin.index), Some(identity));
        }
        self.faults(&raw.origin, faults);
    }

    fn document(&mut self, raw: Raw, scopes: &Scopes<'_>) {
        let Raw { origin, mut tree } = raw;
        let replaced = scopes.replace(&origin.file, &mut tree);
        // A name with a variable that could not be replaced still has it, and so counts as unknown.
        let identity = identity::of_tree(&tree);
        let mut faults = replaced.faults;
        match envelope::open(tree) {
            Ok(envelope) if faults.is_empty() => self.reading.documents.push(Document {
                file: origin.file,
                index: origin.index,
                api_version: API_VERSION.to_owned(),
                kind: envelope.kind,
                metadata: envelope.metadata,
                reconcile: envelope.reconcile,
                spec: envelope.spec,
                variables: replaced.whole,
                start: Place { line: origin.chunk.line, column: origin.chunk.column },
                text: origin.text,
                range: origin.chunk.range,
            }),
            opened => {
                faults.extend(opened.err().into_iter().flatten());
                self.broken(&origin.file, Some(origin.index), identity);
                self.faults(&origin, faults);
            }
        }
    }

    /// The settings; nothing when they cannot be read.
    fn settings(&mut self, input: &Input<'_>) -> Option<Settings> {
        if input.unreadable.contains_key(SETTINGS_FILE) {
            return None;
        }
        let Some(text) = input.settings else { return Some(Settings::default()) };
        self.budget.next_file();
        let mut chunks = chunks(SETTINGS_FILE, text).into_iter();
        let Some(chunk) = chunks.next() else { return Some(Settings::default()) };
        let origin = Origin { file: SETTINGS_FILE.to_owned(), index: 0, text: Arc::clone(text), chunk };
        if let Some(second) = chunks.next() {
            let place = Place { line: second.line, column: 1 };
            let message = "a second document; the settings are one".to_owned();
            self.reading.findings.push(origin.finding(place, "settings", message));
            return None;
        }
        let read = settings::read(&self.tree(&origin).ok()?);
        read.map_err(|faults| self.faults(&origin, faults)).ok()
    }
}

fn brackets(text: &str, start: Place) -> Option<(Place, String)> {
    let many = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > limits::BRACKETS;
    many.then(|| locate::too_deep(text, start)).flatten()
}

/// The documents' texts. A byte order mark at the very start is allowed by YAML and put there by some editors.
pub(super) fn chunks(path: &str, text: &str) -> Vec<Chunk> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - bare.len();
    let moved = |range: Range<usize>| range.start + skipped..range.end + skipped;
    let chunks = if path.ends_with(".json") { split::json(bare) } else { split::yaml(bare) };
    chunks.into_iter().map(|chunk| Chunk { range: moved(chunk.range), ..chunk }).collect()
}

/// The parser's words about a syntax error, with places that count from the file's start.
fn syntax_finding(origin: &Origin, syntax: Syntax) -> Finding {
    let start = origin.start();
    let column = if syntax.line == 1 { syntax.column + start.column - 1 } else { syntax.column };
    let place = Place { line: syntax.line + start.line - 1, column };
    let own = format!(" at line {} column {}", syntax.line, syntax.column);
    let message = shift_lines(&syntax.message.replacen(&own, "", 1), start.line - 1);
    let rule = if origin.is_json() { "json-syntax" } else { "yaml-syntax" };
    let mut finding = origin.finding(place, rule, message);
    let line = origin.text().lines().nth(syntax.line.saturating_sub(1)).unwrap_or_default();
    let indent: String = line.chars().take_while(|letter| letter.is_whitespace()).collect();
    if !origin.is_json() && indent.contains('\t') {
        finding.message = "a tab in the indentation".to_owned();
        finding.remedy = Some("YAML indents with spaces".to_owned());
    }
    finding
}

/// "… at line 3 column 1" within a document → within its file.
fn shift_lines(message: &str, by: usize) -> String {
    let mut words: Vec<String> = message.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        let after_line = words.get(at - 1).is_some_and(|word| word == "line");
        if let Some(word) = words.get_mut(at).filter(|_| after_line) {
            *word = word.parse().map_or_else(|_| word.clone(), |line: usize| (line + by).to_string());
        }
    }
    words.join(" ")
}
