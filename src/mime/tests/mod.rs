//! What the room promises, each in its file: `cuts` (any cut, same result; regions are the message), `oracle` (the
//! same leaves as mailparse on well-formed mail), `rules` (each rule by a small mail), `hostile` (linear time).
//! `record` is the sink they share, `generate` writes the mails.

mod cuts;
mod generate;
mod hostile;
mod oracle;
mod record;
mod rules;

/// The mails of the folder that `BREVDUE_MAIL_CORPUS` names, by file name; none, and said, when it is not set.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let Some(root) = std::env::var_os("BREVDUE_MAIL_CORPUS") else {
        eprintln!("BREVDUE_MAIL_CORPUS is not set: the corpus was not read");
        return Vec::new();
    };
    let mut folders = vec![std::path::PathBuf::from(root)];
    let mut mails = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                mails.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    mails.sort();
    mails
}
