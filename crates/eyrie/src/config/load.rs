//! Joins file, environment and flags into a [`Config`], and remembers where each value came from.
//!
//! Later wins: default, file, environment, flag. Everything wrong is collected, so that one run tells all of it. The
//! environment is handed in, so that tests leave the process alone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::settings::{SETTINGS, Setting, find};
use super::{Config, Secret, check};

/// Largest configuration file and largest file with a secret, bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What may follow a secret's key: the secret then is in the file named.
const FILE_SUFFIX: &str = "_file";
/// Variables of ours that are not settings.
const OTHER_VARIABLES: [&str; 5] = ["EYRIE_BIN", "EYRIE_BIN_DIR", "EYRIE_CONFIG", "EYRIE_CONTROL", "EYRIE_FAILPOINTS"];
const ADMIN_PASSWORD: &str = "EYRIE_ADMIN_PASSWORD";
const NO_ONBOARDING: &str = "EYRIE_NO_ONBOARDING";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What there is to join.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`; otherwise `EYRIE_CONFIG` names the file, otherwise there is none.
    pub file: Option<PathBuf>,
    pub env: BTreeMap<String, String>,
    /// A setting's key, the flag's name without dashes, and its text.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// The environment of this process. A variable that is not UTF-8 cannot be one of ours.
    pub fn from_process() -> Self {
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { env: env.filter(|(name, _)| name.starts_with("EYRIE_")).collect(), ..Self::default() }
    }
}

/// The result, with everything there is to say about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    pub file: Option<PathBuf>,
    /// Settings that could not be read: no command goes on with one of these.
    pub unreadable: Vec<String>,
    /// Settings that do not make sense together: the server does not start with one of these.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

impl Loaded {
    pub fn origin(&self, key: &str) -> Origin {
        self.config.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// For the server.
    ///
    /// # Errors
    /// Everything that is wrong, a line each.
    pub fn checked(self) -> anyhow::Result<Config> {
        complain(self.all_problems())?;
        Ok(self.config)
    }

    /// For commands beside the server, which open no listener.
    ///
    /// # Errors
    /// Everything that could not be read, a line each.
    pub fn readable(self) -> anyhow::Result<Config> {
        complain(self.unreadable)?;
        Ok(self.config)
    }

    pub fn all_problems(&self) -> Vec<String> {
        self.unreadable.iter().chain(&self.problems).cloned().collect()
    }

    fn set(&mut self, setting: &'static Setting, text: &str, origin: Origin) {
        match (setting.read)(&mut self.config, text) {
            Ok(()) => {
                self.config.origins.insert(setting.key, origin);
            }
            // a secret's text stays out of the message
            Err(_) if setting.secret => {
                self.unreadable.push(format!("{}: cannot be read (from {origin})", setting.key))
            }
            Err(reason) => self.unreadable.push(format!("{}: {reason} (from {origin})", setting.key)),
        }
    }

    fn set_from_file(&mut self, setting: &'static Setting, path: &Path, origin: Origin) {
        match read_bounded(path) {
            Ok(text) => self.set(setting, text.trim_end_matches(['\r', '\n']), origin),
            Err(reason) => self.unreadable.push(format!("{}{FILE_SUFFIX}: {reason} (from {origin})", setting.key)),
        }
    }
}

fn complain(problems: Vec<String>) -> anyhow::Result<()> {
    anyhow::ensure!(problems.is_empty(), "the configuration is wrong:\n  {}", problems.join("\n  "));
    Ok(())
}

/// Joins the sources. Never fails: what is wrong is in the result.
pub fn load(sources: &Sources) -> Loaded {
    let file = sources.file.clone().or_else(|| sources.env.get("EYRIE_CONFIG").map(PathBuf::from));
    let mut loaded = Loaded {
        config: Config::default(),
        file: file.clone(),
        unreadable: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    if let Some(path) = file {
        from_file(&mut loaded, &path);
    }
    from_env(&mut loaded, &sources.env);
    for (key, flag, text) in &sources.flags {
        let setting = find(key).expect("a flag belongs to a setting");
        loaded.set(setting, text, Origin::Flag(flag));
    }
    check::check(&loaded.config, &mut loaded.problems, &mut loaded.warnings);
    loaded
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("{} is larger than {MAX_FILE_BYTES} bytes", path.display()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn from_file(loaded: &mut Loaded, path: &Path) {
    let text = match read_bounded(path) {
        Ok(text) => text,
        Err(reason) => return loaded.unreadable.push(reason),
    };
    let line_at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let table = match DeTable::parse(&text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_at(span.start));
            return loaded.unreadable.push(format!("{}:{line}: {}", path.display(), error.message()));
        }
    };
    let mut values = Vec::new();
    flatten(table.get_ref(), "", &mut values);
    for (key, offset, value) in values {
        let origin = Origin::File { path: path.to_owned(), line: line_at(offset) };
        let Some(text) = value else {
            loaded.unreadable.push(format!(
                "{key}: is neither a text, a number, true or false, nor a list of texts (from {origin})"
            ));
            continue;
        };
        // paths in the file count from where the file is, whoever starts the server from wherever
        let beside = |text: &str| path.parent().unwrap_or(Path::new("")).join(text);
        match known(&key) {
            Some(Known::Value(setting)) if setting.path && !text.is_empty() => {
                loaded.set(setting, &beside(&text).to_string_lossy(), origin);
            }
            Some(Known::Value(setting)) => loaded.set(setting, &text, origin),
            Some(Known::File(setting)) => loaded.set_from_file(setting, &beside(&text), origin),
            None => {
                let hint = nearest(&key, SETTINGS.iter().map(|setting| setting.key.to_owned()));
                loaded.unreadable.push(format!("{key}: there is no such setting{hint} (from {origin})"));
            }
        }
    }
}

/// `[http] listen = "..."` -> (`http.listen`, where, text). A value that has no text form is `None`.
fn flatten(table: &DeTable<'_>, section: &str, values: &mut Vec<(String, usize, Option<String>)>) {
    for (name, value) in table {
        let key = if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
        let text = match value.get_ref() {
            // one level: a deeper table is no setting of ours
            DeValue::Table(inner) if section.is_empty() => {
                flatten(inner, &key, values);
                continue;
            }
            DeValue::Array(items) => {
                let texts: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
                texts.filter(|texts| !texts.iter().any(|text| text.contains(','))).map(|texts| texts.join(","))
            }
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
            DeValue::Boolean(yes) => Some(yes.to_string()),
            _ => None,
        };
        values.push((key, name.span().start, text));
    }
}

enum Known {
    Value(&'static Setting),
    /// The value is in the file named.
    File(&'static Setting),
}

fn known(key: &str) -> Option<Known> {
    if let Some(setting) = find(key) {
        return Some(Known::Value(setting));
    }
    find(key.strip_suffix(FILE_SUFFIX)?).filter(|setting| setting.secret).map(Known::File)
}

fn from_env(loaded: &mut Loaded, env: &BTreeMap<String, String>) {
    let mut names: Vec<String> = OTHER_VARIABLES.map(String::from).to_vec();
    for setting in SETTINGS {
        let own = [Some(setting.env()), setting.flag_env()];
        let mut own: Vec<String> = own.into_iter().flatten().collect();
        own.dedup();
        let file_names: Vec<String> =
            if setting.secret { own.iter().map(|name| format!("{name}_FILE")).collect() } else { Vec::new() };
        let given: Vec<&String> = own.iter().chain(&file_names).filter(|name| env.contains_key(*name)).collect();
        if let [first, second, ..] = given[..] {
            loaded.unreadable.push(format!("{first} and {second} are the same setting: set one of them"));
        } else if let [name] = given[..] {
            let (text, origin) = (&env[name], Origin::Environment(name.clone()));
            if file_names.contains(name) {
                loaded.set_from_file(setting, Path::new(text), origin);
            } else {
                loaded.set(setting, text, origin);
            }
        }
        names.extend(own);
        names.extend(file_names);
    }
    if let Some(text) = env.get(NO_ONBOARDING) {
        let setting = find("cloud_api.onboarding").expect("it is a setting");
        let opposite = match text.as_str() {
            "true" | "1" | "yes" | "on" => "false",
            "false" | "0" | "no" | "off" => "true",
            other => other,
        };
        loaded.set(setting, opposite, Origin::Environment(NO_ONBOARDING.into()));
    }
    admin_password(loaded, env);
    names.extend([NO_ONBOARDING, ADMIN_PASSWORD].map(String::from));
    names.push(format!("{ADMIN_PASSWORD}_FILE"));
    for name in env.keys().filter(|name| name.starts_with("EYRIE_") && !names.contains(name)) {
        // only a warning: Kubernetes gives every container such variables for a service that is called eyrie
        let hint = nearest(name, names.iter().cloned());
        loaded.warnings.push(format!("{name}: there is no such setting{hint}"));
    }
}

/// Only from the environment: it matters once, and a file would keep it.
fn admin_password(loaded: &mut Loaded, env: &BTreeMap<String, String>) {
    let file_name = format!("{ADMIN_PASSWORD}_FILE");
    match (env.get(ADMIN_PASSWORD), env.get(&file_name)) {
        (Some(_), Some(_)) => {
            loaded.unreadable.push(format!("{ADMIN_PASSWORD} and {file_name} are the same setting: set one of them"));
        }
        (Some(text), None) if !text.is_empty() => loaded.config.admin_password = Some(Secret(text.clone())),
        (None, Some(path)) => match read_bounded(Path::new(path)) {
            Ok(text) => loaded.config.admin_password = Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(reason) => loaded.unreadable.push(format!("{file_name}: {reason}")),
        },
        _ => {}
    }
}

/// `; did you mean "..."?` when a name is close enough.
fn nearest(name: &str, known: impl Iterator<Item = String>) -> String {
    let close = known.map(|candidate| (distance(name, &candidate), candidate)).min();
    match close {
        Some((distance, candidate)) if distance <= 1 + name.len() / 4 => format!("; did you mean {candidate:?}?"),
        _ => String::new(),
    }
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!(distance("kitten", "sitting"), 3);
        let known = || SETTINGS.iter().map(|setting| setting.key.to_owned());
        assert_eq!(nearest("http.listn", known()), "; did you mean \"http.listen\"?");
        assert_eq!(nearest("weather", known()), "");
    }

    #[test]
    fn no_two_settings_share_a_name() {
        let mut names: Vec<String> =
            SETTINGS.iter().flat_map(|setting| [Some(setting.env()), setting.flag_env()]).flatten().collect();
        names.sort();
        let same = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_str());
        // called the same either way
        let expected = ["EYRIE_DATA", "EYRIE_LOG_FORMAT", "EYRIE_MQTT_URL", "EYRIE_PUBLIC_HOST"];
        assert_eq!(same.collect::<Vec<_>>(), expected);
    }
}
