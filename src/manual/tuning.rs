//! Tuning what is found.
//!
//! Rules are data, and a site lays its own over ours: every `*.toml` in the folder `[rules] path` names may add labels,
//! look-alikes and source systems, replace or remove ours, and say what each kind of number counts for
//! (`rules/example-pack.toml` is one to begin with). `rules/README.md` says how the evidence adds up and which file wins;
//! `rules list`, `check`, `explain` and `calibrate` show it at work. Of the findings said to be `certain` 99 % are to be right,
//! of the `likely` ones 90 %: look with `calibrate`, on mail that you labelled, before you turn blocking on. The
//! list of `rules allow` tells nothing by itself; whoever has `node.key` too finds its numbers by trying the forty million there are.
