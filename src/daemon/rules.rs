//! The rules of a configuration: built in, or with a folder's files over them, and the list of allowed numbers.
//!
//! Reads files and hands their texts to [`crate::scan::ruleset`], which knows what they mean. What is read in
//! part is not run: a fault anywhere is an error. Start reading at [`load`]. Tests: below and `tests/rules.rs`.

use super::StartError;
use crate::case::incident::Source;
use crate::config::{self, Config};
use crate::scan::ruleset::{self, AllowList, Pack, RuleFault, RuleTexts, Ruleset};
use crate::seal::allow::{self, AllowFile};
use crate::seal::{NodeKey, keyfile};
use crate::spool::durable;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of the list of allowed numbers in a folder of rules.
pub const ALLOW_LIST: &str = "allow.list";

/// Rules from a folder.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub rules: Ruleset,
    /// The source systems that packs name, behind which the configuration's own go.
    pub sources: Vec<Source>,
    /// What packs changed in the examples of earlier files.
    pub changed: Vec<RuleFault>,
    /// The files of the folder, in their order.
    pub files: Vec<String>,
}

impl Loaded {
    /// Files that may stand in the place of ours.
    pub const OURS: [&str; 4] = [ruleset::CPR, ruleset::CONTEXT, ruleset::LOOKALIKES, ruleset::HEADERS];
}

/// Reads and proves the rules: those built in, or with a folder's files in their place and its packs over them.
///
/// # Errors
/// Every fault of every file, or the file that cannot be read.
pub fn load(folder: Option<&Path>) -> Result<Loaded, StartError> {
    let files = folder.map(read_folder).transpose()?.unwrap_or_default();
    let text = |name: &str, ours: &'static str| {
        files.iter().find(|(file, _)| file == name).map_or(ours, |(_, text)| text.as_str())
    };
    let built_in = RuleTexts::BUILT_IN;
    let texts = RuleTexts {
        cpr: text(ruleset::CPR, built_in.cpr),
        context: text(ruleset::CONTEXT, built_in.context),
        lookalikes: text(ruleset::LOOKALIKES, built_in.lookalikes),
        headers: text(ruleset::HEADERS, built_in.headers),
    };
    let packs: Vec<Pack<'_>> = files
        .iter()
        .filter(|(name, _)| !Loaded::OURS.contains(&name.as_str()))
        .map(|(name, text)| Pack { name, text })
        .collect();
    let proved = Ruleset::proved(texts, &packs).map_err(StartError::Rules)?;
    let sources = sources(&proved.rules)?;
    let files = files.into_iter().map(|(name, _)| name).collect();
    Ok(Loaded { rules: proved.rules, sources, changed: proved.changed, files })
}

/// The same with the configuration's list of allowed numbers.
///
/// # Errors
/// As [`load`], and when there is a list that cannot be used.
pub fn load_for(config: &Config) -> Result<Loaded, StartError> {
    let mut loaded = load(config.rules.as_deref())?;
    if let Some(allowed) = allow_list(config)? {
        loaded.rules = loaded.rules.allowing(allowed);
    }
    Ok(loaded)
}

/// The sources of packs as the gate's. What a sender is written like is the configuration's to say.
fn sources(rules: &Ruleset) -> Result<Vec<Source>, StartError> {
    let mut faults = Vec::new();
    for source in rules.sources() {
        if let Err(why) = config::check_sender_pattern(&source.pattern) {
            faults.push(source.fault(why));
        }
    }
    if !faults.is_empty() {
        return Err(StartError::Rules(faults));
    }
    let source = |one: &ruleset::PackSource| Source {
        name: one.name.clone(),
        pattern: one.pattern.clone(),
        vendor: one.vendor.clone(),
    };
    Ok(rules.sources().iter().map(source).collect())
}

/// The `*.toml` files of a folder in order of name, hidden ones left out.
fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, StartError> {
    let failed = |path: &Path, why| StartError::RuleFile { path: path.to_owned(), why };
    if !folder.is_dir() {
        return Err(StartError::NoRuleFolder { path: folder.to_owned() });
    }
    let entries = fs::read_dir(folder).map_err(|source| failed(folder, source))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|source| failed(folder, source))?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "toml") && !name.starts_with('.') {
            let text = fs::read_to_string(path).map_err(|source| failed(path, source))?;
            files.push((name, text));
        }
    }
    if files.is_empty() && !paths.iter().any(|path| path.ends_with(ALLOW_LIST)) {
        return Err(StartError::EmptyRuleFolder { path: folder.to_owned() });
    }
    Ok(files)
}

/// Reads the list, with the node's key that its digests are under; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or the key cannot, or is another.
pub fn read_allow_list(config: &Config) -> Result<Option<(AllowFile, NodeKey)>, StartError> {
    let Some(path) = config.rules.as_ref().map(|folder| folder.join(ALLOW_LIST)) else { return Ok(None) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(StartError::RuleFile { path, why }),
    };
    let key = allow_key(config)?;
    let list = AllowFile::parse(&text, &key).map_err(|why| StartError::AllowList { path, why })?;
    Ok(Some((list, key)))
}

/// Whether the list could be changed: there is a folder for it, and the key that it is or will be under.
///
/// # Errors
/// As [`change_allow_list`].
pub fn check_allow_list(config: &Config) -> Result<(), StartError> {
    allow_folder(config)?;
    allow_key(config)?;
    read_allow_list(config).map(drop)
}

fn allow_folder(config: &Config) -> Result<&Path, StartError> {
    let folder = config.rules.as_deref().ok_or(StartError::NoRulePath)?;
    let missing = || StartError::NoRuleFolder { path: folder.to_owned() };
    folder.is_dir().then_some(folder).ok_or_else(missing)
}

/// Changes the list, which is made when there is none, and returns what `change` does. Others who change it wait.
///
/// # Errors
/// When it or its key cannot be read, or it cannot be written; it stands as before then.
pub fn change_allow_list<T>(
    config: &Config,
    change: impl FnOnce(&mut AllowFile, &NodeKey) -> T,
) -> Result<T, StartError> {
    let folder = allow_folder(config)?;
    let path = folder.join(ALLOW_LIST);
    let failed = |why| StartError::RuleFile { path: path.clone(), why };
    let lock = fs::File::open(folder).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let key = allow_key(config)?;
    let mut list = read_allow_list(config)?.map_or_else(|| AllowFile::new(&key), |(list, _)| list);
    let changed = change(&mut list, &key);
    let wrong = |why| StartError::NotWritten { path: path.clone(), why };
    // Who may read the key must read the list.
    let owner = fs::metadata(key_path(config)).map_err(wrong)?.uid();
    durable::replace(&path, list.text().as_bytes(), owner).map_err(wrong)?;
    Ok(changed)
}

/// The node's key, which must be there: a new one would open no list, and making it is the register's to do.
///
/// # Errors
/// When it cannot be read.
fn allow_key(config: &Config) -> Result<NodeKey, StartError> {
    let path = key_path(config);
    keyfile::read_node_key(&path)?.ok_or(StartError::NoAllowKey { path })
}

fn key_path(config: &Config) -> PathBuf {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    keyfile::node_key_path(&config.node_key, credentials.as_deref())
}

fn allow_list(config: &Config) -> Result<Option<AllowList>, StartError> {
    Ok(read_allow_list(config)?
        .map(|(list, key)| AllowList::new(list.digests(), move |cpr| allow::digest(&key, &cpr.reveal()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::File::create(folder.path().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn the_example_pack_loads() {
        let example = include_str!("../../rules/example-pack.toml");
        let loaded = load(Some(folder(&[("example-pack.toml", example)]).path())).unwrap();
        assert_eq!(loaded.sources.len(), 1);
        let acts = loaded.rules.changes().iter().map(|change| change.entry.as_str());
        assert_eq!(acts.collect::<Vec<_>>(), ["lookalike:hash-mark", "kind:suspect", "label:cpr"]);
        // What stands in comments loads as well: a person only has to take the `# ` away.
        let whole: Vec<&str> = example.lines().map(|line| line.strip_prefix("#- ").unwrap_or(line)).collect();
        let whole = whole.join("\n");
        assert_ne!(whole, example);
        load(Some(folder(&[("example-pack.toml", &whole)]).path())).unwrap();
    }

    #[test]
    fn a_file_of_ours_is_replaced_whole_and_an_absent_one_is_built_in() {
        let lookalikes = "[[lookalike]]\nname='x'\nweight=-1.0\nbefore='x$'\nmust=['x{n}']\nmust_not=['{n}']";
        let kept = folder(&[("lookalikes.toml", lookalikes), (".hidden.toml", "["), ("notes.txt", "[")]);
        let loaded = load(Some(kept.path())).unwrap();
        let built_in = load(None).unwrap();
        assert!(loaded.rules.entries().len() < built_in.rules.entries().len());
        assert!(loaded.rules.entries().iter().any(|entry| entry.name == "cpr"));
        assert!(loaded.rules.entries().iter().all(|entry| entry.name != "link"));
    }

    #[test]
    fn a_folder_that_is_not_there_or_holds_nothing_is_an_error_with_its_remedy() {
        let empty = folder(&[("notes.txt", "")]);
        let error = load(Some(empty.path())).unwrap_err().to_string();
        assert!(error.contains("holds no rules") && error.contains("example-pack.toml"), "{error}");
        let error = load(Some(&empty.path().join("nowhere"))).unwrap_err().to_string();
        assert!(error.contains("is not there") && error.contains("[rules]"), "{error}");
        let list = folder(&[(ALLOW_LIST, "")]);
        assert!(load(Some(list.path())).is_ok(), "a list alone is reason enough for a folder");
    }

    #[test]
    fn a_sender_that_names_nobody_is_a_fault_of_its_pack() {
        let pack = "[[source]]\nname='A'\nmatch='a b'\n[[source]]\nname='B'\nmatch='b@b@b'\n";
        let StartError::Rules(faults) = load(Some(folder(&[("site.toml", pack)]).path())).unwrap_err() else {
            panic!("no faults of rules");
        };
        let places: Vec<_> = faults.iter().map(|fault| (fault.file.as_str(), fault.line)).collect();
        assert_eq!(places, [("site.toml", Some(2)), ("site.toml", Some(5))], "{faults:#?}");
    }
}
